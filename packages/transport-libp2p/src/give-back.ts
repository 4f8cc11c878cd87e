import { MessageChannel, type MessagePort } from 'node:worker_threads'

// Below this it isn't worth the call, which takes about a microsecond.
const bytesMin = 2_048

/**
 * Frees the memory of bytes at once that fill their buffer and that nobody reads any more: every view of them is empty from then on.
 * Buffers are outside of the heap, and each 25 MB or so of them makes the garbage collector mark the whole heap, though they
 * live for microseconds (measured: eight times for each 64 MiB received, half of all CPU time). Bytes that share
 * their buffer with others are left to it.
 */
export function giveBack(bytes: Uint8Array): void {
  if (bytes.byteLength < bytesMin || bytes.byteLength !== bytes.buffer.byteLength) return
  if (!(bytes.buffer instanceof ArrayBuffer)) return
  nowhere.postMessage(undefined, [bytes.buffer])
}

// Yamux's.
const headerBytes = 12

/**
 * Whether bytes are worth freeing, and are the data of one frame of the muxer, which is all of a message but the header before it. Where more
 * stands before them, or anything behind, others may read that.
 */
export function isAlone({ buffer, byteOffset, byteLength }: Uint8Array): boolean {
  return byteOffset <= headerBytes && byteOffset + byteLength === buffer.byteLength && buffer.byteLength >= bytesMin
}

/** Nobody ever reads what is sent here: it is transferred, and with it goes the memory. */
const nowhere = closedPort()

function closedPort(): MessagePort {
  const { port1 } = new MessageChannel()
  port1.close()
  return port1
}
