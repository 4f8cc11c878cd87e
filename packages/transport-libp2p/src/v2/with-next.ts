/** A source that goes on as `next` says, and ends as `chunks` do. */
export function withNext<Chunk>(
  chunks: AsyncIterator<Chunk, unknown>,
  next: () => Promise<IteratorResult<Chunk, unknown>>,
): AsyncGenerator<Chunk> {
  const end = async (): Promise<void> => void (await chunks.return?.())
  const iterator: AsyncGenerator<Chunk> = {
    [Symbol.asyncIterator]: () => iterator,
    next,
    return: async (value) => (await end(), { done: true, value }),
    async throw(error) {
      await end()
      throw error
    },
    [Symbol.asyncDispose]: end,
  }
  return iterator
}
