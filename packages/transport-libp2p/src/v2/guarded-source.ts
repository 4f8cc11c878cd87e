import type { Uint8ArrayList } from 'uint8arraylist'
import { MultistreamGuard } from '../multistream-guard.ts'
import { withNext } from './with-next.ts'

/** The same bytes; it fails where the negotiation at their beginning is none. Once that is over, nothing stands between. */
export function guarded<Chunk extends Uint8Array | Uint8ArrayList>(
  source: AsyncIterable<Chunk> | Iterable<Chunk>,
  isChosen: (protocol: string) => boolean,
): AsyncGenerator<Chunk> {
  const guard = new MultistreamGuard(isChosen)
  const chunks = Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : asyncOf(source)
  const checked = async (): Promise<IteratorResult<Chunk, undefined>> => {
    const result = await chunks.next()
    if (result.done !== true) guard.check(result.value)
    return result
  }
  return withNext(chunks, () => (guard.isOver ? chunks.next() : checked()))
}

async function* asyncOf<Chunk>(source: Iterable<Chunk>): AsyncGenerator<Chunk, undefined> {
  yield* source
}
