import { genServer } from '@skerry/core'

const entriesMax = 1_000

/** What a region without the database remembers of the orders that it passed on. The oldest go when it is full. */
export const orderCache = genServer({
  module: import.meta,
  name: 'orderCache',
  init: () => new Map<string, string>(),
  call: { size: (ctx) => ctx.state.size },
  cast: {
    remember: (ctx, key: string, id: string) => {
      ctx.state.set(key, id)
      const oldest = ctx.state.keys().next()
      if (ctx.state.size > entriesMax && oldest.done !== true) ctx.state.delete(oldest.value)
    },
  },
})
