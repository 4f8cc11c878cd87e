import { PieceJoiner, streamWindowBytesMax, yamuxFrames } from '@skerry/transport-libp2p/adapter'
import { Uint8ArrayList } from 'uint8arraylist'

/** The part of yamux's muxer that takes bytes, and keeps those of a frame that is not complete. */
interface FrameReading {
  onData(data: Uint8Array | Uint8ArrayList): void
  readonly decoder: { readonly buffer: { readonly byteLength: number } }
}

// Yamux's.
const headerBytes = 12

/**
 * Has a muxer of libp2p 3 take frames in few pieces, and ends a connection that has brought more of a frame than any window has: 4 MiB.
 * yamux looks at a frame when it has it all, and its header may say 4 GiB.
 */
export function boundFrames(muxer: object): void {
  if (!isFrameReading(muxer)) return
  const take = muxer.onData.bind(muxer)
  const joiner = new PieceJoiner(yamuxFrames())
  muxer.onData = (data) => {
    const pieces = data instanceof Uint8Array ? [data] : [...data]
    const joined = joiner.take(pieces)
    if (joined.length === 0) return
    take(joined === pieces ? data : new Uint8ArrayList(...joined))
    const { byteLength } = muxer.decoder.buffer
    if (byteLength > streamWindowBytesMax + headerBytes) {
      throw new Error(
        `A frame of which ${byteLength} bytes came is not complete; no window has more than ${streamWindowBytesMax}`,
      )
    }
  }
}

/** Another version of yamux may keep its bytes elsewhere; then it works as it comes. */
function isFrameReading(muxer: object): muxer is FrameReading {
  return (
    'onData' in muxer &&
    typeof muxer.onData === 'function' &&
    'decoder' in muxer &&
    typeof muxer.decoder === 'object' &&
    muxer.decoder !== null &&
    'buffer' in muxer.decoder
  )
}
