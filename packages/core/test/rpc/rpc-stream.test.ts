import { actor, defineApp, memoryTransport, startNode, streamProcedure } from '@skerry/core'
import { expect, it, onTestFinished } from 'vitest'
import { remoteProcesses } from './failure-world.ts'
import { quiet } from './two-nodes.ts'

const endless = streamProcedure({
  name: 'endless',
  async *run() {
    for (;;) yield await Promise.resolve(1)
  },
})

it('[local] a stream whose first item is asked for when its actor has ended does not begin', async () => {
  const app = defineApp({ name: 'app', children: [], procedures: [endless] })
  const node = await startNode(app, quiet({ region: 'syd', transport: memoryTransport() }))
  onTestFinished(() => node.stop())
  let resumed: Promise<void> = Promise.resolve()
  const reader = actor({
    name: 'reader',
    run(ctx) {
      const items = ctx.stream('syd', endless, undefined)
      ctx.signal.addEventListener('abort', () => {
        // As a handler that awaited something else goes on.
        resumed = Promise.resolve().then(() => void items.next())
      })
      return new Promise(() => undefined)
    },
  })
  const pid = await node.start(reader, [])
  node.exit(pid, 'kill')
  await node.watch(pid)
  await resumed
  expect([await remoteProcesses(node), node.counters().afterExit]).toEqual([[], 1])
})
