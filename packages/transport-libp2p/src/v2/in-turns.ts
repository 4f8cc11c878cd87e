import type { StreamMuxer } from '@libp2p/interface'
import { Uint8ArrayList } from 'uint8arraylist'
import { yamuxFrames } from '../framings.ts'
import { inFewPiecesOf } from './joined-source.ts'
import { ReadTurns } from './read-turns.ts'
import { withNext } from './with-next.ts'

type Chunk = Uint8Array | Uint8ArrayList

/** Has a muxer of libp2p 2 read its connection in turns with all else that the thread has to do, and its frames in few pieces. */
export function readInTurns(muxer: StreamMuxer): void {
  const sink = muxer.sink.bind(muxer)
  muxer.sink = (read) => sink(Symbol.asyncIterator in read ? inFewPiecesOf(yamuxFrames(), inTurns(read)) : read)
}

/** The same bytes, as {@link ReadTurns} says. */
export function inTurns<Read extends Chunk>(source: AsyncIterable<Read>): AsyncGenerator<Read | Uint8ArrayList> {
  const chunks = source[Symbol.asyncIterator]()
  const turns = new ReadTurns()
  /** What came and was not handed on yet. */
  let rest: Uint8ArrayList | undefined
  let bytes = 0
  let waitedMs = 0
  let handedMs = 0

  function handed<Piece extends Chunk>(value: Piece): IteratorYieldResult<Piece> {
    bytes = value.byteLength
    handedMs = nowMs()
    return { done: false, value }
  }

  function cut(chunk: Chunk): IteratorYieldResult<Uint8ArrayList> {
    const list = chunk instanceof Uint8Array ? new Uint8ArrayList(chunk) : chunk
    const end = Math.min(turns.pieceBytes, list.byteLength)
    rest = end < list.byteLength ? list.sublist(end) : undefined
    return handed(list.sublist(0, end))
  }

  async function read(askedMs: number): Promise<IteratorResult<Read | Uint8ArrayList, unknown>> {
    waitedMs = 0
    if (rest !== undefined) return cut(rest)
    const result = await chunks.next()
    if (result.done === true) return result
    waitedMs = nowMs() - askedMs
    return result.value.byteLength <= turns.pieceBytes ? handed(result.value) : cut(result.value)
  }

  async function readLater(): Promise<IteratorResult<Read | Uint8ArrayList, unknown>> {
    await others()
    return await read(nowMs())
  }

  return withNext(chunks, () => {
    const askedMs = nowMs()
    // Whoever reads asks for the next once it is done with the one before.
    return turns.took(bytes, waitedMs, bytes === 0 ? 0 : askedMs - handedMs) ? readLater() : read(askedMs)
  })
}

// No simulation has a socket, so the time and the turns may be Node's.
function nowMs(): number {
  // oxlint-disable-next-line no-restricted-globals
  return performance.now()
}

function others(): Promise<void> {
  // oxlint-disable-next-line no-restricted-globals
  return new Promise((resolve) => void setImmediate(resolve))
}
