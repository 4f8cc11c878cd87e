import { genServer } from '@skerry/core'

/** The server that is called: its handler adds one number to another. */
export const counter = genServer({
  module: import.meta,
  name: 'counter',
  init: (_ctx, start: number) => ({ count: start }),
  call: {
    add: (ctx, by: number) => (ctx.state.count += by),
  },
  cast: {
    note: (ctx, by: number) => void (ctx.state.count += by),
  },
  info: (ctx, message) => void (ctx.state.count += message as number),
})
