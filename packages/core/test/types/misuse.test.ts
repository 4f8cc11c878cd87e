import {
  actorName,
  child,
  type Context,
  defineApp,
  dynamicSupervisor,
  type DynamicSupervisorProtocol,
  genServer,
  type Ignore,
  type InitContext,
  type Message,
  type MonitorRef,
  type Node,
  type NodeUpMessage,
  partitionedSupervisor,
  type Pid,
  type ServerContext,
  type Stop,
  supervisor,
  supervisorBehavior,
  Task,
} from '@skerry/core'
import { describe, expect, expectTypeOf, it } from 'vitest'

// Checked by the compiler, as api.test.ts is: a line under @ts-expect-error that compiles is an error there.

function compiles(_program: (ctx: Context, node: Node) => unknown): void {
  expect(true).toBe(true)
}

interface Store {
  call: { get(key: string): string | undefined; peers(): Pid<Store>[] }
  cast: { put(key: string, value: string): void }
  info: 'flush'
}
const storeName = actorName<Store>('store')

const counter = genServer({
  name: 'counter',
  init: (_ctx, start: number) => ({ count: start }),
  call: {
    add: (ctx, by: number) => (ctx.state.count += by),
    at: (_ctx, when: Date, what?: string) => `${when}${what}`,
  },
  cast: { reset: (ctx) => void (ctx.state.count = 0) },
})

declare const pid: Pid<Store>
declare const other: Pid

describe('the state of a server', () => {
  it('is what init gives, but for a stop or an ignored start', () => {
    genServer({
      name: 'optional',
      init: (ctx, url?: string) => {
        expectTypeOf(ctx).toEqualTypeOf<InitContext>()
        if (url === undefined) return ctx.ignore()
        if (url === '') return ctx.stop('no url')
        return { url, tries: 0 }
      },
      call: {
        url: (ctx) => {
          expectTypeOf(ctx).toEqualTypeOf<ServerContext<{ url: string; tries: number }>>()
          return ctx.state.url
        },
      },
    })
    genServer({
      name: 'later',
      init: async (ctx, on: boolean) => {
        await Promise.resolve()
        return on ? { tries: 0 } : ctx.ignore()
      },
      call: { read: (ctx) => expectTypeOf(ctx.state).toEqualTypeOf<{ tries: number }>() },
    })
  })

  it('is not there in init, where nothing can be deferred; only init ignores', () => {
    genServer({
      name: 'strict',
      init: (ctx) => {
        // @ts-expect-error there is no call to answer later
        ctx.defer()
        expectTypeOf(ctx.ignore()).toEqualTypeOf<Ignore>()
        expectTypeOf(ctx.stop('normal')).toEqualTypeOf<Stop<never>>()
        // @ts-expect-error there is no state yet
        return ctx.state as unknown
      },
      call: {
        // @ts-expect-error a server that runs can't ignore its start
        ignore: (ctx) => ctx.ignore() as unknown,
      },
      cast: {
        // @ts-expect-error a reason is text, or an object with a type
        stop: (ctx) => ctx.stop(1),
      },
    })
  })

  it('must be defined rightly otherwise as well', () => {
    compiles(() => {
      // @ts-expect-error a name is missing
      genServer({ init: () => 0 })
      // @ts-expect-error init is missing
      genServer({ name: 'nothing' })
      // @ts-expect-error no such policy
      genServer({ name: 'box', mailbox: { max: 1, policy: 'dropAll' }, init: () => 0 })
      // @ts-expect-error a mailbox has a limit, or is unbounded
      genServer({ name: 'box', mailbox: 'endless', init: () => 0 })
      // @ts-expect-error a handler is a function
      genServer({ name: 'box', init: () => 0, call: { read: 1 } })
      // @ts-expect-error a module is import.meta
      genServer({ name: 'box', module: 'box.js', init: () => 0 })
    })
  })
})

describe('the verbs of a context, and of a node', () => {
  it('start and spawn take a behavior, its arguments and known options', () => {
    compiles(async (ctx, node) => {
      // @ts-expect-error no behavior
      await ctx.start('counter', [0])
      // @ts-expect-error a string where a number is wanted
      ctx.spawn(counter, ['0'])
      // @ts-expect-error no such place
      await ctx.start(counter, [0], { thread: 'somewhere' })
      // @ts-expect-error a pool's key is text
      ctx.spawn(counter, [0], { thread: { pool: 1 } })
      // @ts-expect-error a name is what actorName made
      await node.start(counter, [0], { register: 'counter' })
      // @ts-expect-error no such option
      ctx.spawn(counter, [0], { linked: true })
    })
  })

  it('send and sendAfter take an address or a name, and a message that it takes', () => {
    compiles((ctx, node) => {
      ctx.send(pid, 'flush')
      ctx.send(other, { anything: 1 })
      expectTypeOf(ctx.sendAfter(10, storeName, 'flush')).toEqualTypeOf<() => void>()
      // @ts-expect-error no message of a store
      ctx.send(pid, 'flash')
      // @ts-expect-error no message of a store
      node.send(storeName, 1)
      // @ts-expect-error a name is no text
      ctx.send('store', 'flush')
      // @ts-expect-error when comes first
      ctx.sendAfter(pid, 10, 'flush')
    })
  })

  it('call and cast take a name of the protocol, its arguments and known options', () => {
    compiles(async (ctx, node) => {
      expectTypeOf(await ctx.call(storeName, 'get', ['a'])).toEqualTypeOf<string | undefined>()
      expectTypeOf(await node.call(pid, 'peers', [])).toEqualTypeOf<Pid<Store>[]>()
      expectTypeOf(await ctx.call(ctx.spawn(counter, [0]), 'at', [new Date()])).toEqualTypeOf<string>()
      // @ts-expect-error a time is a number
      await ctx.call(pid, 'get', ['a'], { timeoutMs: '1s' })
      // @ts-expect-error no such option
      await node.call(pid, 'get', ['a'], { timeout: 1_000 })
      // @ts-expect-error the arguments are a list
      await ctx.call(pid, 'get', 'a')
      // @ts-expect-error a cast is not called
      await node.call(pid, 'put', ['a', 'b'])
      // @ts-expect-error a call is not cast
      ctx.cast(pid, 'get', ['a'])
      // @ts-expect-error an argument is missing
      node.cast(storeName, 'put', ['a'])
      // @ts-expect-error a plain message is no call
      await ctx.call(pid, 'flush', [])
      // @ts-expect-error nothing is known of what it answers
      await ctx.call(other, 'get', ['a'])
    })
  })

  it('link, unlink, monitor, demonitor and exit take what they can', () => {
    compiles((ctx, node) => {
      const monitor = ctx.monitor(storeName)
      expectTypeOf(monitor).toEqualTypeOf<MonitorRef>()
      ctx.demonitor(monitor, { flush: true })
      ctx.exit(pid, { type: 'shutdown' })
      // @ts-expect-error a link is to a life, not to a name
      ctx.link(storeName)
      // @ts-expect-error nor taken from one
      ctx.unlink(storeName)
      // @ts-expect-error a name is no text
      ctx.monitor('store')
      // @ts-expect-error an address is no monitor
      ctx.demonitor(pid)
      // @ts-expect-error no such option
      ctx.demonitor(monitor, { purge: true })
      // @ts-expect-error a reason is text, or an object with a type
      ctx.exit(pid, 1)
      // @ts-expect-error a reason is text, or an object with a type
      node.exit(pid, { why: 'tired' })
      // @ts-expect-error a reason must be given
      ctx.exit(pid)
    })
  })

  it('register, whereis, alias and monitorNodes speak of typed names, addresses and messages', () => {
    compiles(async (ctx, node) => {
      expectTypeOf(ctx.whereis(storeName)).toEqualTypeOf<Pid<Store> | undefined>()
      expectTypeOf(ctx.alias<Store>().pid).toEqualTypeOf<Pid<Store>>()
      expectTypeOf(ctx.monitorNodes()).toEqualTypeOf<readonly NodeUpMessage[]>()
      // @ts-expect-error a name is no text
      await ctx.register('store')
      // @ts-expect-error a name is no text
      node.whereis('store')
      // @ts-expect-error to trap is true or false
      ctx.trapExit = 'yes'
      // @ts-expect-error an actor's address does not change
      ctx.self = pid
    })
  })

  it('a message is looked at before it is used', () => {
    genServer({
      name: 'reader',
      init: () => 0,
      info: (_ctx, message) => {
        expectTypeOf(message).toEqualTypeOf<Message>()
        // @ts-expect-error it may be anything
        return message.reason as unknown
      },
    })
  })
})

describe('a tree of supervisors', () => {
  it('checks arguments, names and options of children at every depth', () => {
    const tree = supervisor('one', {
      children: [
        supervisor('two', {
          strategy: 'restForOne',
          children: [supervisor('three', { children: [child('deep', counter, [0], { restart: 'transient' })] })],
        }),
      ],
    })
    expect(tree.supervises?.children[0]?.supervises?.children[0]?.supervises?.children[0]?.args).toEqual([0])
    compiles(() => {
      supervisor('one', {
        children: [
          supervisor('two', {
            children: [
              supervisor('three', {
                children: [
                  // @ts-expect-error a string where a number is wanted
                  child('deep', counter, ['0']),
                  // @ts-expect-error an argument is missing
                  child('deep', counter, []),
                  // @ts-expect-error a counter is no store
                  child('deep', counter, [0], { register: storeName }),
                  // @ts-expect-error no such restart
                  child('deep', counter, [0], { restart: 'often' }),
                  // @ts-expect-error no such place
                  child('deep', counter, [0], { thread: 'nowhere' }),
                  // @ts-expect-error a time is a number, or kill
                  child('deep', counter, [0], { shutdownMs: 'slowly' }),
                  // @ts-expect-error no such option
                  child('deep', counter, [0], { names: [] }),
                ],
                // @ts-expect-error no such strategy
                strategy: 'allForOne',
              }),
            ],
            // @ts-expect-error the window is missing
            intensity: { maxRestarts: 1 },
          }),
          // @ts-expect-error a behavior is no child
          counter,
        ],
      })
    })
  })

  it('takes in an app what child and supervisor made, and procedures', () => {
    compiles(() => {
      // @ts-expect-error the name is missing
      defineApp({ children: [] })
      // @ts-expect-error the children are missing
      defineApp({ name: 'shop' })
      // @ts-expect-error a behavior is no child
      defineApp({ name: 'shop', children: [counter] })
      // @ts-expect-error a server is no procedure
      defineApp({ name: 'shop', children: [], procedures: [counter] })
      // @ts-expect-error no such strategy
      defineApp({ name: 'shop', strategy: 'oneForTwo', children: [] })
    })
  })

  it('is asked and changed with specs and ids', () => {
    compiles(async (ctx) => {
      const jobs = await ctx.start(supervisorBehavior('jobs', { children: [] }), [])
      expectTypeOf(await ctx.call(jobs, 'startChild', [child('a', counter, [0])])).toEqualTypeOf<Pid>()
      await ctx.call(jobs, 'terminateChild', ['a'])
      // @ts-expect-error a behavior is no child
      await ctx.call(jobs, 'startChild', [counter])
      // @ts-expect-error a child is known by its id
      await ctx.call(jobs, 'terminateChild', [pid])
      // @ts-expect-error no such request
      await ctx.call(jobs, 'stopChild', ['a'])
    })
  })

  it('that is dynamic starts its behavior with its arguments, and gives its protocol', () => {
    const counters = dynamicSupervisor('counters', { behavior: counter, child: { restart: 'temporary' } })
    compiles(async (ctx) => {
      const crowd = await ctx.start(counters, [])
      const started = await ctx.call(crowd, 'startChild', [0])
      expectTypeOf(await ctx.call(started, 'add', [1])).toEqualTypeOf<number>()
      expectTypeOf<DynamicSupervisorProtocol<[], Store>['call']['startChild']>().returns.toEqualTypeOf<Pid<Store>>()
      // @ts-expect-error a string where a number is wanted
      await ctx.call(crowd, 'startChild', ['0'])
      // @ts-expect-error a child of it has no id
      await ctx.call(crowd, 'terminateChild', ['counter-1'])
      // @ts-expect-error all have one name then
      dynamicSupervisor('counters', { behavior: counter, child: { register: storeName } })
    })
  })

  it('of partitions makes the arguments of each, and gives typed names', () => {
    compiles(async (ctx) => {
      const shares = partitionedSupervisor('shares', { behavior: counter, args: (part) => [part], partitions: 4 })
      expectTypeOf(await ctx.call(shares.of('key'), 'add', [1])).toEqualTypeOf<number>()
      // @ts-expect-error a string where a number is wanted
      partitionedSupervisor('shares', { behavior: counter, args: () => ['0'], partitions: 4 })
      // @ts-expect-error their number is required
      partitionedSupervisor('shares', { behavior: counter, args: () => [0] })
      // @ts-expect-error no call of a counter
      await ctx.call(shares.of('key'), 'subtract', [1])
    })
  })
})

describe('a task', () => {
  it('gives what its function gives', () => {
    compiles(async (ctx) => {
      const task = Task.async(ctx, () => Promise.resolve({ at: 1 }))
      expectTypeOf(await Task.await(ctx, task)).toEqualTypeOf<{ at: number }>()
      for await (const outcome of Task.asyncStream(ctx, [1, 2], (_own, item) => `${item}`)) {
        expectTypeOf(outcome).toExtend<{ ok: boolean }>()
        if (outcome.ok) expectTypeOf(outcome.value).toEqualTypeOf<string>()
      }
      // @ts-expect-error an actor is no task
      await Task.await(ctx, pid)
      // @ts-expect-error it has no value unless it ended well
      void (await Task.yield(ctx, task))?.value
    })
  })
})
