import { Uint8ArrayList } from 'uint8arraylist'
import { inFewPieces } from './few-pieces.ts'

/** A smaller piece behind others is put next to them. */
const joinedBytesMax = 1_024
const blockBytes = 4 * 1_024

/** The parts of libp2p 2's stream where what came waits to be read. */
interface Source {
  readonly streamSource: {
    readonly readableLength: number
    push(data: Uint8ArrayList): unknown
    end(error?: Error): unknown
  }
  sourcePush(data: Uint8ArrayList): void
  /** Called for each piece that is read. */
  sendWindowUpdate(): void
}

/**
 * Has a yamux stream of libp2p 2 join the small pieces that wait to be read. As it is, each frame of yamux waits as an object of its own, and a
 * peer that sends its window byte by byte makes 262,144 of them out of 256 KiB: some 60 MiB. A larger frame may have come in as many pieces.
 */
export function joinSmallPieces(stream: object): void {
  if (!isSource(stream)) return
  const { streamSource } = stream
  const push = stream.sourcePush.bind(stream)
  const end = streamSource.end.bind(streamSource)
  const update = stream.sendWindowUpdate.bind(stream)
  let block: Uint8Array | undefined
  let length = 0
  // Only behind something that waits: whoever reads that comes by here.
  const letGo = (): void => {
    if (block === undefined) return
    const joined = block.subarray(0, length)
    block = undefined
    push(new Uint8ArrayList(joined))
  }
  stream.sourcePush = (data) => {
    if (data.byteLength >= joinedBytesMax || (block === undefined && streamSource.readableLength === 0)) {
      letGo()
      push(inFewPieces(data))
      return
    }
    if (block !== undefined && length + data.byteLength > blockBytes) letGo()
    if (block === undefined) {
      block = new Uint8Array(blockBytes)
      length = 0
    }
    for (const piece of data) {
      block.set(piece, length)
      length += piece.byteLength
    }
  }
  stream.sendWindowUpdate = () => {
    if (streamSource.readableLength === 0) letGo()
    update()
  }
  streamSource.end = (error) => {
    if (error === undefined) letGo()
    return end(error)
  }
}

/** Another version may keep what waits elsewhere; then it works as it comes. */
function isSource(stream: object): stream is Source {
  return (
    'sourcePush' in stream &&
    typeof stream.sourcePush === 'function' &&
    'sendWindowUpdate' in stream &&
    typeof stream.sendWindowUpdate === 'function' &&
    'streamSource' in stream &&
    typeof stream.streamSource === 'object' &&
    stream.streamSource !== null &&
    'readableLength' in stream.streamSource
  )
}
