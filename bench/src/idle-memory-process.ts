import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { defineApp, startNode } from '@skerry/core'
import { counter } from './counter.ts'

// A process of its own, forked by the suite: what else a heap holds moves while it is measured.
const actors = 100_000

setFlagsFromString('--expose-gc')
const gc = runInNewContext('gc') as () => void

const node = await startNode(defineApp({ name: 'bench', children: [] }))
const before = await heapUsed()
for (let started = 0; started < actors; started += 1) await node.start(counter, [0])
const after = await heapUsed()
process.send?.({ bytes: (after - before) / actors })
process.disconnect?.()
await node.stop()

async function heapUsed(): Promise<number> {
  // Twice, with a turn of the loop between: what only a microtask or a finalizer still held is gone then.
  gc()
  await new Promise((resolve) => setImmediate(resolve))
  gc()
  return process.memoryUsage().heapUsed
}
