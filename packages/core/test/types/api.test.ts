import {
  actor,
  actorName,
  type ActorName,
  type Behavior,
  child,
  contract,
  type Context,
  defineApp,
  type DeferredReply,
  genServer,
  type Node,
  type Pid,
  procedure,
  type ProcedureContext,
  type ServerContext,
  supervisor,
} from '@skerry/core'
import { describe, expect, expectTypeOf, it } from 'vitest'

// What is checked here is checked by the compiler: `tsc -p tsconfig.test.json`. A line under @ts-expect-error that
// compiles is an error there. The functions are not run, except where a test says what they return.

type Schema<Input, Output = Input> = {
  readonly '~standard': {
    readonly version: 1
    readonly vendor: string
    readonly validate: (value: unknown) => { readonly value: Output }
    readonly types?: { readonly input: Input; readonly output: Output }
  }
}

function schema<Input, Output = Input>(): Schema<Input, Output> {
  return { '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value: value as Output }) } }
}

/** Type-checked and never run. */
function compiles(_program: (ctx: Context, node: Node) => unknown): void {
  expect(true).toBe(true)
}

const hits = genServer({
  module: import.meta,
  name: 'hits',
  init: (_ctx, start: number, _label?: string) => ({ count: start }),
  call: {
    read: (ctx) => ctx.state.count,
    add: (ctx, by: number) => (ctx.state.count += by),
    slow: async (ctx, by: number) => {
      await Promise.resolve()
      return `${ctx.state.count + by}`
    },
    later: (ctx) => ctx.defer<string>(),
    laterMaybe: (ctx, now: boolean) => (now ? ctx.state.count : ctx.defer<number>()),
    laterAsync: (ctx) => Promise.resolve(ctx.defer<Date>()),
    bye: (ctx) => ctx.stop('normal', 7n),
    byeSilently: (ctx) => ctx.stop('normal'),
    byeMaybe: (ctx, really: boolean) => (really ? ctx.stop('normal', 'bye') : 42),
  },
  cast: {
    reset: (ctx) => {
      ctx.state = { count: 0 }
    },
    set: (ctx, to: number) => {
      ctx.state.count = to
    },
  },
})

describe('a server', () => {
  it('has the state that init makes, in every handler', () => {
    genServer({
      name: 'typed',
      init: () => Promise.resolve({ count: 1, names: new Set<string>() }),
      call: {
        read: (ctx) => {
          expectTypeOf(ctx).toEqualTypeOf<ServerContext<{ count: number; names: Set<string> }>>()
          // @ts-expect-error there is no such state
          return ctx.state.missing as unknown
        },
      },
      cast: {
        put: (ctx, name: string) => {
          expectTypeOf(ctx.state.names).toEqualTypeOf<Set<string>>()
          ctx.state.names.add(name)
          // @ts-expect-error a state of another type
          ctx.state = { count: 'one' }
        },
      },
      info: (ctx) => expectTypeOf(ctx.state.count).toEqualTypeOf<number>(),
      terminate: (ctx) => expectTypeOf(ctx.state.count).toEqualTypeOf<number>(),
    })
    genServer({
      name: 'init',
      init: (ctx) => {
        // @ts-expect-error there is no state before init is over
        ctx.state = 1
        return 1
      },
    })
  })

  it('is started with the arguments of its init, and nothing else', () => {
    compiles(async (ctx, node) => {
      const pid = await ctx.start(hits, [0])
      expectTypeOf(ctx.spawn(hits, [0, 'label'])).toEqualTypeOf(pid)
      expectTypeOf(await node.start(hits, [0])).toEqualTypeOf(pid)
      // @ts-expect-error a string where a number is wanted
      await ctx.start(hits, ['0'])
      // @ts-expect-error an argument is missing
      await ctx.start(hits, [])
      // @ts-expect-error an argument too many
      await node.start(hits, [0, 'label', 1])
    })
  })

  it('is called by name, with arguments and answers that its handlers decide', () => {
    compiles(async (ctx, node) => {
      const pid = await ctx.start(hits, [0])
      expectTypeOf(await ctx.call(pid, 'read', [])).toEqualTypeOf<number>()
      expectTypeOf(await ctx.call(pid, 'add', [2], { timeoutMs: 500 })).toEqualTypeOf<number>()
      expectTypeOf(await ctx.call(pid, 'slow', [2])).toEqualTypeOf<string>()
      expectTypeOf(await node.call(pid, 'add', [2])).toEqualTypeOf<number>()
      // @ts-expect-error no handler of that name
      await ctx.call(pid, 'subtract', [2])
      // @ts-expect-error an argument of another type
      await ctx.call(pid, 'add', ['2'])
      // @ts-expect-error an argument is missing
      await ctx.call(pid, 'add', [])
      // @ts-expect-error an argument too many
      await node.call(pid, 'add', [1, 2])
      // @ts-expect-error a cast is not called
      await ctx.call(pid, 'reset', [])
    })
  })

  it('answers what was deferred or given with stop', () => {
    compiles(async (ctx) => {
      const pid = await ctx.start(hits, [0])
      expectTypeOf(await ctx.call(pid, 'later', [])).toEqualTypeOf<string>()
      expectTypeOf(await ctx.call(pid, 'laterMaybe', [true])).toEqualTypeOf<number>()
      expectTypeOf(await ctx.call(pid, 'laterAsync', [])).toEqualTypeOf<Date>()
      expectTypeOf(await ctx.call(pid, 'bye', [])).toEqualTypeOf<bigint>()
      expectTypeOf(await ctx.call(pid, 'byeSilently', [])).toEqualTypeOf<never>()
      expectTypeOf(await ctx.call(pid, 'byeMaybe', [true])).toEqualTypeOf<string | number>()
    })
    expectTypeOf<DeferredReply<'a'>>().toExtend<DeferredReply<string>>()
  })

  it('is cast to by name, and only what is a cast', () => {
    compiles((ctx, node) => {
      const pid = ctx.spawn(hits, [0])
      expectTypeOf(ctx.cast(pid, 'reset', [])).toEqualTypeOf<void>()
      node.cast(pid, 'set', [1])
      // @ts-expect-error a call is not a cast
      ctx.cast(pid, 'add', [2])
      // @ts-expect-error an argument of another type
      node.cast(pid, 'set', ['1'])
      // @ts-expect-error no handler of that name
      node.cast(pid, 'clear', [])
    })
  })

  it('without calls or casts takes none', () => {
    const mute = genServer({ name: 'mute', init: () => 0 })
    const castOnly = genServer({ name: 'castOnly', init: () => 0, cast: { poke: () => 0 } })
    compiles((ctx) => {
      ctx.cast(ctx.spawn(castOnly, []), 'poke', [])
      // @ts-expect-error it has no calls
      void ctx.call(ctx.spawn(castOnly, []), 'read', [])
      // @ts-expect-error it has no calls
      void ctx.call(ctx.spawn(mute, []), 'read', [])
      // @ts-expect-error it has no casts
      ctx.cast(ctx.spawn(mute, []), 'reset', [])
    })
  })
})

describe('a bare actor', () => {
  it('is started with the arguments of its body', () => {
    const echo = actor({ name: 'echo', run: (ctx, to: Pid, _times: number) => ctx.send(to, 'hello') })
    expectTypeOf(echo).toEqualTypeOf<Behavior<[to: Pid, _times: number]>>()
    compiles((ctx) => {
      ctx.spawn(echo, [ctx.self, 2])
      // @ts-expect-error an argument is missing
      ctx.spawn(echo, [ctx.self])
    })
  })
})

interface Order {
  readonly sku: string
  readonly quantity: number
}

/** Protocols that mention themselves and each other. */
interface Database {
  call: { insert(order: Order): string; replicas(): Pid<Database>[]; auditor(): Pid<Auditor> }
  cast: { watchedBy(auditor: Pid<Auditor>): void }
}
interface Auditor {
  call: { database(): Pid<Database> }
  cast: Record<never, never>
}

const database = genServer({
  name: 'database',
  init: (ctx, file: string) => ({ file, auditor: ctx.self as Pid<Auditor> }),
  call: {
    insert: (ctx, order: Order) => `${ctx.state.file}/${order.sku}`,
    replicas: (): Pid<Database>[] => [],
    auditor: (ctx) => ctx.state.auditor,
  },
  cast: {
    watchedBy: (ctx, auditor: Pid<Auditor>) => {
      ctx.state.auditor = auditor
    },
  },
})

const db = actorName<Database>('db')

describe('a typed name', () => {
  it('is called as its protocol says, to whatever depth', () => {
    compiles(async (ctx, node) => {
      expectTypeOf(await ctx.call(db, 'insert', [{ sku: 'tea', quantity: 2 }])).toEqualTypeOf<string>()
      const [replica] = await node.call(db, 'replicas', [])
      expectTypeOf(replica).toEqualTypeOf<Pid<Database> | undefined>()
      const auditor = await ctx.call(replica as Pid<Database>, 'auditor', [])
      expectTypeOf(auditor).toEqualTypeOf<Pid<Auditor>>()
      ctx.cast(await ctx.call(auditor, 'database', []), 'watchedBy', [auditor])
      expectTypeOf(node.whereis(db)).toEqualTypeOf<Pid<Database> | undefined>()
      // @ts-expect-error half an order
      await ctx.call(db, 'insert', [{ sku: 'tea' }])
      // @ts-expect-error the database's address is no auditor's
      ctx.cast(db, 'watchedBy', [replica as Pid<Database>])
    })
  })

  it('is registered only by a server that speaks its protocol', () => {
    compiles(async (ctx, node) => {
      await ctx.start(database, ['shop.sqlite'], { register: db })
      await node.start(database, ['shop.sqlite'], { register: db })
      child('db', database, ['shop.sqlite'], { register: db })
      // @ts-expect-error hits is no database
      child('hits', hits, [0], { register: db })
      // @ts-expect-error hits is no database
      await node.start(hits, [0], { register: db })
    })
  })
})

describe('an app', () => {
  it('checks the arguments of each child against its init', () => {
    const app = defineApp({
      name: 'shop',
      strategy: 'restForOne',
      intensity: { maxRestarts: 3, withinMs: 5_000 },
      children: [
        child('db', database, ['shop.sqlite'], { register: db }),
        child('hits', hits, [0], { restart: 'permanent', shutdownMs: 5_000 }),
        child('more', hits, [0, 'label'], { thread: 'own' }),
        supervisor('jobs', { strategy: 'oneForAll', children: [child('nested', hits, [1])] }),
      ],
      procedures: [upcase, createOrderHere],
    })
    expect(app.children.map(({ id }) => id)).toEqual(['db', 'hits', 'more', 'jobs'])
    compiles(() => {
      // @ts-expect-error a string where a number is wanted
      child('hits', hits, ['0'])
      // @ts-expect-error an argument is missing
      child('db', database, [])
      // @ts-expect-error an argument too many
      supervisor('jobs', { children: [child('db', database, ['shop.sqlite', 1])] })
      // @ts-expect-error no such strategy
      supervisor('jobs', { strategy: 'oneForTwo', children: [] })
      // @ts-expect-error no such restart
      child('hits', hits, [0], { restart: 'sometimes' })
    })
  })
})

describe('a Pid', () => {
  interface Reader {
    call: { read(): number }
    cast: Record<never, never>
  }
  interface ReaderAndMore {
    call: { read(): number; add(by: number): number }
    cast: { reset(): void }
  }

  it('of an actor that can do more serves where less is asked, and not the other way round', () => {
    expectTypeOf<Pid<ReaderAndMore>>().toExtend<Pid<Reader>>()
    expectTypeOf<Pid<Reader>>().not.toExtend<Pid<ReaderAndMore>>()
    expectTypeOf<Pid<Reader>>().toExtend<Pid>()
    expectTypeOf<Pid>().not.toExtend<Pid<Reader>>()
    expectTypeOf<ActorName<ReaderAndMore>>().toExtend<ActorName<Reader>>()
    expectTypeOf<ActorName<Reader>>().not.toExtend<ActorName<ReaderAndMore>>()
  })

  it('of a server serves where its protocol is asked for', () => {
    compiles((ctx) => {
      const reader: Pid<Reader> = ctx.spawn(hits, [0])
      const anyone: Pid = reader
      // @ts-expect-error nothing is known of what it answers
      void ctx.call(anyone, 'read', [])
      // @ts-expect-error a reader need not be a server of hits
      const back: Pid<ReaderAndMore> = reader
      return back
    })
  })

  it('takes the plain messages that its protocol names, where it names any', () => {
    interface Ticker {
      info: 'tick' | { readonly every: number }
    }
    compiles((ctx) => {
      const ticker = actorName<Ticker>('ticker')
      ctx.send(ticker, 'tick')
      ctx.sendAfter(10, ticker, { every: 5 })
      ctx.send(ctx.self, { anything: 1 })
      // @ts-expect-error no message of this actor
      ctx.send(ticker, 'tock')
      // @ts-expect-error no message of this actor
      ctx.sendAfter(10, ticker, 5)
    })
  })
})

const upcase = procedure({ name: 'string.upcase', run: (_ctx, text: string) => text.toUpperCase() })

/** Both schemas transform, so that what goes in and what comes out differ on either side. */
const createOrder = contract({
  name: 'orders.create',
  version: 2,
  input: schema<{ sku: string; quantity: string }, Order>(),
  output: schema<{ id: number }, { id: string }>(),
})

const createOrderHere = createOrder.implement({
  module: import.meta,
  run(ctx, order) {
    expectTypeOf(ctx).toEqualTypeOf<ProcedureContext>()
    expectTypeOf(order).toEqualTypeOf<Order>()
    return { id: order.quantity }
  },
})

describe('a procedure', () => {
  it('is called with its input and gives its output, awaited', () => {
    const later = procedure({ name: 'later', run: (_ctx, times: number) => Promise.resolve([times]) })
    compiles(async (ctx, node) => {
      expectTypeOf(await node.rpcRegion('hkg', upcase, 'fly')).toEqualTypeOf<string>()
      expectTypeOf(await node.rpcPrimary(later, 2)).toEqualTypeOf<number[]>()
      expectTypeOf(await ctx.rpc('node', upcase, 'fly', { timeoutMs: 100 })).toEqualTypeOf<string>()
      // @ts-expect-error a number where text is wanted
      await node.rpcRegion('hkg', upcase, 1)
      // @ts-expect-error the input is missing
      await ctx.rpcPrimary(upcase)
      // @ts-expect-error a target is a name or names
      await ctx.rpcRegion(1, upcase, 'fly')
    })
  })

  it('of a contract is called with what its schemas take and give', () => {
    compiles(async (_ctx, node) => {
      expectTypeOf(await node.rpcPrimary(createOrder, { sku: 'tea', quantity: '2' })).toEqualTypeOf<{ id: string }>()
      expectTypeOf(await node.rpcPrimary(createOrderHere, { sku: 'tea', quantity: '2' })).toEqualTypeOf<{
        id: string
      }>()
      // @ts-expect-error the schema takes the quantity as text
      await node.rpcPrimary(createOrder, { sku: 'tea', quantity: 2 })
      // @ts-expect-error the sku is missing
      await node.rpcPrimary(createOrder, { quantity: '2' })
    })
  })

  it('of a contract must give what the output schema takes', () => {
    compiles(() => {
      createOrder.implement({ run: () => Promise.resolve({ id: 1 }) })
      // @ts-expect-error the schema takes the id as a number
      createOrder.implement({ run: () => ({ id: '1' }) })
      // @ts-expect-error nothing is given
      createOrder.implement({ run: () => undefined })
    })
  })
})
