import { streamWindowBytesMax } from '../limits.ts'

/** The part of yamux's muxer that takes a frame, by its header. */
interface FrameReading {
  handleFrame(header: { readonly type: number; readonly length: number }, readData?: unknown): Promise<void>
}

// Yamux's.
const dataFrame = 0

/**
 * Ends a connection of libp2p 2 at a frame whose data are more than any window has: 4 MiB. yamux reads the data of a frame that belongs to no stream, only
 * to drop them, and not before it has them all: its header may say 4 GiB.
 */
export function boundFrames(muxer: object): void {
  if (!isFrameReading(muxer)) return
  const handle = muxer.handleFrame.bind(muxer)
  muxer.handleFrame = (header, readData) => {
    if (header.type === dataFrame && header.length > streamWindowBytesMax) {
      throw new Error(`A frame with ${header.length} bytes of data; no window has more than ${streamWindowBytesMax}`)
    }
    return handle(header, readData)
  }
}

/** Another version of yamux may read its frames elsewhere; then it works as it comes. */
function isFrameReading(muxer: object): muxer is FrameReading {
  return 'handleFrame' in muxer && typeof muxer.handleFrame === 'function'
}
