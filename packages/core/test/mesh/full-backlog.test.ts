import { actorName, child, defineApp, type DownMessage, genServer, type Message, type Pid } from '@skerry/core'
import { resolveCase, runCase, type SimulationOptions } from '@skerry/testing'
import { expect, it } from 'vitest'

interface WatcherProtocol {
  call: { watch(pid: Pid): boolean }
  cast: { noise(): void }
}
const watcherName = actorName<WatcherProtocol>('watcher')
const downs: unknown[] = []
const watcher = genServer({
  name: 'watcher',
  remote: 'members',
  init: () => undefined,
  call: {
    watch(ctx, pid: Pid) {
      ctx.monitor(pid)
      return true
    },
  },
  cast: { noise: () => undefined },
  info: (_ctx, message: Message) => {
    downs.push((message as DownMessage).reason)
  },
})
const noisy = genServer({
  name: 'noisy',
  remote: 'members',
  init: () => undefined,
  cast: {
    flood(ctx, to: Pid<WatcherProtocol>, casts: number) {
      for (let sent = 0; sent < casts; sent += 1) ctx.cast(to, 'noise', [])
    },
    end: (ctx) => ctx.stop('shutdown'),
  },
})
const app = defineApp({ name: 'noise', children: [child('watcher', watcher, [], { register: watcherName })] })

it('hears of an end although more than the backlog of its node waits before it', async () => {
  const simulation: SimulationOptions = {
    app,
    regions: { syd: 1, lax: 1 },
    async workload(sim) {
      await sim.ready()
      const [syd, lax] = [sim.node('syd-1').up, sim.node('lax-1').up]
      const pid = await syd.start(noisy, [])
      await lax.call(watcherName, 'watch', [pid])
      await sim.advance(500)
      const heal = sim.partition(['syd'], ['lax'])
      syd.cast(pid, 'flood', [lax.whereis(watcherName) as Pid<WatcherProtocol>, 200_000])
      syd.cast(pid, 'end', [])
      await sim.advance(500)
      // Otherwise this shows nothing.
      expect(syd.counters().unsent).toBeGreaterThan(0)
      heal()
      await sim.until(() => downs.length > 0)
    },
  }
  const { failure } = await runCase(simulation, resolveCase(simulation, 1))
  expect(failure).toBeUndefined()
  expect(downs).toEqual(['shutdown'])
})
