import type * as Core from '@skerry/core'
import type { RoundTrip } from './load.ts'

/** A node of the core whose index has that address, and a call from one actor to another within its main thread. */
export async function startLocalCaller(index: string): Promise<{ call: RoundTrip; node: Core.Node }> {
  const { actor, defineApp, genServer, startNode } = (await import(index)) as typeof Core
  const counter = genServer({
    name: 'counter',
    init: (_ctx, start: number) => ({ count: start }),
    call: { add: (ctx, by: number) => (ctx.state.count += by) },
  })
  const node = await startNode(defineApp({ name: 'bench', children: [] }))
  const ctx = await new Promise<Core.BareContext>((resolve) => {
    const run = (own: Core.BareContext): Promise<void> => {
      resolve(own)
      return new Promise(() => undefined)
    }
    void node.start(actor({ name: 'driver', run }), [])
  })
  const pid = await node.start(counter, [0])
  return { call: () => ctx.call(pid, 'add', [1]), node }
}
