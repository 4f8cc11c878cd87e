import { actorName, child, defineApp, genServer, memoryTransport, procedure, startNode } from '@skerry/core'

const counter = genServer({
  name: 'counter',
  init: (_ctx, start: number) => ({ count: start }),
  call: { add: (ctx, by: number) => (ctx.state.count += by) },
})
const hits = actorName<{ call: { add(by: number): number }; cast: {} }>('hits')

const visit = procedure({ name: 'visit', run: (ctx, times: number) => ctx.call(hits, 'add', [times]) })

const app = defineApp({
  name: 'shop',
  children: [child('hits', counter, [0], { register: hits })],
  procedures: [visit],
})

// Two nodes in one process; with another transport the same code runs on two continents.
const transport = memoryTransport({ hub: 'hello' })
const syd = await startNode(app, { region: 'syd', primaryRegion: 'syd', transport })
const lax = await startNode(app, { region: 'lax', primaryRegion: 'syd', transport })
await lax.waitForRegion('syd')
console.log(`${lax.myRegion} counted ${await lax.rpcPrimary(visit, 3)} visits in ${lax.primaryRegion}`)
await Promise.all([lax.stop(), syd.stop()])
