import { defineApp, memoryTransport, procedure, startNode, streamProcedure } from '@skerry/core'

const hello = procedure({ name: 'hello', run: (ctx, name: string) => `${name}, from ${ctx.myRegion}` })

/** Its results come one by one; it makes one when there is room for it, and ends when nobody reads on. */
const countdown = streamProcedure({
  name: 'countdown',
  async *run(_ctx, from: number) {
    for (let n = from; n > 0; n -= 1) yield n
  },
})

/** Takes items as well. */
const runningSum = streamProcedure({
  name: 'runningSum',
  async *run(_ctx, start: number, incoming: AsyncIterable<number>) {
    let sum = start
    for await (const n of incoming) yield (sum += n)
  },
})

const app = defineApp({ name: 'many', children: [], procedures: [hello, countdown, runningSum] })
const transport = memoryTransport({ hub: 'many' })
const syd = await startNode(app, { region: 'syd', primaryRegion: 'syd', transport })
const lax = await startNode(app, { region: 'lax', primaryRegion: 'syd', transport })
await lax.waitForRegion('syd')

for (const one of await lax.rpcEach({ regions: ['lax', 'syd', 'hkg'] }, hello, 'hello')) {
  console.log(one.ok ? one.value : `${one.region}: ${one.error.code}`)
}
const counted: number[] = []
for await (const n of lax.stream('syd', countdown, 1_000_000)) {
  counted.push(n)
  if (counted.length === 3) break // the process in syd is told, and ends
}
console.log(`counted ${counted.join(', ')} and left`)
const sums: number[] = []
for await (const sum of lax.stream('syd', runningSum, 10, { incoming: [1, 2, 3] })) sums.push(sum)
console.log(`sums ${sums.join(', ')}`)
await Promise.all([lax.stop(), syd.stop()])
