import { genServer, type Pid } from '@skerry/core'

/** What is killed and restarted: it tells whoever measures that it runs, and can run away. */
export const restarted = genServer({
  module: import.meta,
  name: 'restarted',
  init: (ctx, watcher: Pid) => {
    ctx.send(watcher, { running: ctx.self })
    return {}
  },
  cast: {
    runAway: () => {
      for (;;);
    },
  },
})

export interface Running {
  readonly running: Pid<{ call: Record<never, never>; cast: { runAway(): void } }>
}
