/** Who counts which parts of a buffer are still to be read. */
export interface ReceivedBlock {
  /** Nobody reads one of its parts any more. */
  partWasRead(): void
}

/** Of so many bytes a value may be a view, and not a copy: nobody can say that they are read. */
export const pointedIntoBytesMin: number = 1024 * 1024

const blocks = new WeakMap<ArrayBufferLike, ReceivedBlock>()

/**
 * From now on `block` is told of each part of the buffer that is read for good, which then may free it: memory that came from a peer lives for
 * microseconds, but the garbage collector marks the whole heap for every few megabytes of it. What nobody tells of is the collector's.
 */
export function noteReceived(buffer: ArrayBufferLike, block: ReceivedBlock): void {
  blocks.set(buffer, block)
}

/** Nobody reads these bytes again: what they said was copied out of them. Once for each frame. Nothing, if they are of no noted buffer, or large. */
export function wasRead(bytes: Uint8Array): void {
  if (bytes.byteLength < pointedIntoBytesMin) blocks.get(bytes.buffer)?.partWasRead()
}
