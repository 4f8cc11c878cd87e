import { actorName, child, type Context, defineApp, genServer, type Pid, silentLog, startNode } from '@skerry/core'
import { describe, expect, it, onTestFinished } from 'vitest'
import { downMessage, exitMessage, startPuppet } from '../fixtures/puppet.ts'

interface Sleeper {
  call: { sleep(other: Pid): unknown; read(): number }
  cast: { set(to: number): void }
}

describe('an actor that exits while its handler awaits', () => {
  it('[local]: is gone at once, and resumes late beside its successor without any effect', async () => {
    let wake: () => void = () => undefined
    const asleep = new Promise<void>((resolve) => {
      wake = resolve
    })
    let late: Context | undefined
    const settled: string[] = []
    const spare = actorName('spare')
    const sleeperName = actorName<Sleeper>('sleeper')
    const sleeper = genServer({
      name: 'sleeper',
      init: () => ({ value: 0 }),
      call: {
        read: (ctx) => ctx.state.value,
        sleep: async (ctx, other: Pid) => {
          late = ctx
          await asleep
          ctx.cast(sleeperName, 'set', [13])
          ctx.send(other, 'late')
          ctx.exit(other, 'kill')
          ctx.link(other)
          ctx.monitor(other)
          const verbs = {
            call: ctx.call(sleeperName, 'read', []),
            register: ctx.register(spare),
            start: ctx.start(sleeper, []),
          }
          for (const [name, verb] of Object.entries(verbs)) {
            const note = (): number => settled.push(name)
            verb.then(note, note)
          }
          ctx.spawn(sleeper, [])
          return 'late'
        },
      },
      cast: { set: (ctx, to: number) => void (ctx.state.value = to) },
    })
    const app = defineApp({ name: 'late', children: [child('sleeper', sleeper, [], { register: sleeperName })] })
    const node = await startNode(app, { log: silentLog })
    onTestFinished(() => node.stop())

    const [linked, watcher] = [await startPuppet(node, { trapExit: true }), await startPuppet(node)]
    const first = node.whereis(sleeperName) as Pid<Sleeper>
    await linked.do((ctx) => ctx.link(first))
    const monitor = await watcher.do((ctx) => ctx.monitor(first))
    const call = node.call(first, 'sleep', [watcher.pid])
    const callFails = expect(call).rejects.toMatchObject({ code: 'ERR_CALLEE_EXITED', outcome: 'ran' })
    await expect.poll(() => late).toBeDefined()
    node.exit(first, 'kill')
    expect(late?.signal.aborted).toBe(true)
    expect(node.whereis(sleeperName)).not.toEqual(first)
    await callFails
    expect(await linked.next()).toEqual(exitMessage(first, 'killed'))
    expect(await watcher.next()).toEqual(downMessage(monitor, 'killed'))
    await expect.poll(() => node.whereis(sleeperName)).toBeDefined()

    const before = node.counters().afterExit
    wake()
    // The five before, then call, register, start and spawn: nine verbs of a life that is over.
    await expect.poll(() => node.counters().afterExit).toBe(before + 9)
    expect(await node.call(sleeperName, 'read', [])).toBe(0)
    await watcher.settled()
    expect(watcher.waiting).toBe(0)
    expect(node.whereis(spare)).toBeUndefined()
    expect(settled).toEqual([])
  })
})
