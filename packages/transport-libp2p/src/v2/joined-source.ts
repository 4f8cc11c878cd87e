import { Uint8ArrayList } from 'uint8arraylist'
import { type Framing, PieceJoiner } from '../piece-joiner.ts'
import { withNext } from './with-next.ts'

type Chunk = Uint8Array | Uint8ArrayList

/** The same messages, in few pieces. */
export function inFewPiecesOf<Read extends Chunk>(
  framing: Framing,
  source: AsyncIterable<Read>,
): AsyncGenerator<Read | Uint8ArrayList> {
  const chunks = source[Symbol.asyncIterator]()
  const joiner = new PieceJoiner(framing)
  const next = async (): Promise<IteratorResult<Read | Uint8ArrayList, unknown>> => {
    for (;;) {
      const result = await chunks.next()
      if (result.done === true) {
        const rest = joiner.rest()
        return rest.length === 0 ? result : { done: false, value: new Uint8ArrayList(...rest) }
      }
      const chunk: Chunk = result.value
      const pieces = chunk instanceof Uint8Array ? [chunk] : [...chunk]
      const joined = joiner.take(pieces)
      if (joined === pieces) return result
      if (joined.length > 0) return { done: false, value: new Uint8ArrayList(...joined) }
    }
  }
  return withNext(chunks, next)
}
