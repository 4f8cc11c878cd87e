import {
  actorName,
  child,
  type Context,
  defineApp,
  genServer,
  type Node,
  type Outcome,
  procedure,
  type ProcedureRef,
  type RegionTarget,
  RpcError,
  type RpcOptions,
  startNode,
} from '@skerry/core'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { does, doesOnThread, newer } from '../fixtures/matrix-procedures.mjs'
import { remoteProcesses } from './failure-world.ts'
import { knows, makeTransport, type MeshKind, type Pair, quiet, startPair } from './two-nodes.ts'

type Deed = { readonly what: string; readonly message?: string }
type Does = ProcedureRef<Deed, unknown>

/** What a caller was told. */
interface Told {
  readonly value?: unknown
  readonly error?: RpcError
}

/** A call as the caller is asked to make it. It is handed over as it is, on one thread. */
interface Ask {
  readonly target: RegionTarget | { readonly node: string }
  readonly procedure: Does
  readonly input: unknown
  readonly options: RpcOptions
}

/** What was found in the mailboxes of callers that are actors: there should be nothing. */
const strays: unknown[] = []

function askBy(verbs: Node | Context, { target, procedure: wanted, input, options }: Ask): Promise<unknown> {
  if (typeof target === 'object' && 'node' in target) return verbs.rpc(target.node, wanted, input as Deed, options)
  return verbs.rpcRegion(target, wanted, input as Deed, options)
}

/** What of a procedure its callers need. */
function identityOf({ name, version }: Does): Does {
  return { name, version }
}

async function told(asking: Promise<unknown>): Promise<Told> {
  try {
    return { value: await asking }
  } catch (error) {
    if (error instanceof RpcError) return { error }
    throw error
  }
}

/** An actor that makes calls in its handler, and goes on living whatever becomes of them. */
function callerOf(trapExit: boolean) {
  return genServer({
    name: trapExit ? 'trapping' : 'plainActor',
    trapExit,
    init: () => ({ asked: 0 }),
    call: {
      ask: async (ctx, ask: Ask): Promise<Told> => {
        ctx.state.asked += 1
        return told(askBy(ctx, ask))
      },
      asked: (ctx) => ctx.state.asked,
    },
    info: (_ctx, message) => void strays.push(message),
  })
}

interface CallerProtocol {
  call: { ask(ask: Ask): Told; asked(): number }
  cast: Record<never, never>
}
const actorCaller = actorName<CallerProtocol>('matrix.actor')
const trappingCaller = actorName<CallerProtocol>('matrix.trapping')

const app = defineApp({
  name: 'matrix',
  children: [
    child('actor', callerOf(false), [], { register: actorCaller }),
    child('trapping', callerOf(true), [], { register: trappingCaller }),
  ],
  procedures: [does, doesOnThread, newer],
})

/** On a busy machine a thread may take longer to boot than a call has by default. */
const patient: RpcOptions = { timeoutMs: 30_000 }

type Caller = (node: Node, ask: Ask) => Promise<Told>

const callers: Readonly<Record<string, Caller>> = {
  'plain code': (node, ask) => told(askBy(node, ask)),
  'an actor': (node, ask) => node.call(actorCaller, 'ask', [ask], { timeoutMs: 60_000 }),
  'an actor that traps exits': (node, ask) => node.call(trappingCaller, 'ask', [ask], { timeoutMs: 60_000 }),
}

/** Where the remote process runs, as seen from its caller. */
const places = {
  'other region': { from: 'client', does },
  'own region': { from: 'server', does },
  'other thread': { from: 'server', does: doesOnThread },
} as const

/**
 * The rows M1 to M18 of docs/fly-rpc-parity.md: what Fly RPC's two versions do in each way in which a call fails, and what
 * happens here, for every kind of caller and every place.
 */
export function failureMatrix(kind: MeshKind): void {
  let pair: Pair

  beforeAll(async () => {
    pair = await startPair(kind, app, app)
  })
  afterAll(() => pair.stop())

  describe.each(Object.entries(places))(
    'over ' + kind.name + ', in the %s,',
    (place, { from, does: procedureThere }) => {
      describe.each(Object.entries(callers))('called by %s,', (who, call) => {
        const ask = (input: unknown, options: RpcOptions = patient, target: Ask['target'] = 'syd'): Promise<Told> =>
          call(pair[from], { target, procedure: identityOf(procedureThere), input, options })

        /** Checks that it failed so, that the caller lives on and that nothing came to its mailbox. */
        async function fails(asking: Promise<Told>, code: string, outcome: Outcome): Promise<RpcError> {
          const { error, value } = await asking
          expect(error, `it answered ${String(value)}`).toBeInstanceOf(RpcError)
          expect(`${error?.code} ${error?.outcome}`).toBe(`${code} ${outcome}`)
          await isSound()
          return error as RpcError
        }

        async function isSound(): Promise<void> {
          expect(await ask({ what: 'answer', message: 'and goes on' })).toEqual({ value: 'and goes on' })
          expect(strays).toEqual([])
        }

        it('M1: an error keeps its class, message, code, causes and remote stack', async () => {
          const error = await fails(ask({ what: 'raise', message: 'no tea' }), 'ERR_REMOTE_ERROR', 'ran')
          expect(error.cause).toMatchObject({ name: 'RangeError', message: 'no tea', code: 'ERR_OWN_CODE' })
          expect((error.cause as Error).cause).toMatchObject({ name: 'TypeError', message: 'the cause' })
          expect(error.remoteStack).toContain('matrix-procedures.mjs')
          expect(error).toMatchObject({ node: pair.server.id, region: 'syd', procedure: procedureThere.name })
        })

        it("M2: an error of the language's own keeps its name and message", async () => {
          const { cause } = await fails(ask({ what: 'no function' }), 'ERR_REMOTE_ERROR', 'ran')
          expect(cause).toMatchObject({ name: 'TypeError', message: expect.stringContaining('noSuchVerb') })
        })

        it('M3: a thrown value that is no error is kept in print', async () => {
          const { cause } = await fails(ask({ what: 'throw an object', message: 'odd' }), 'ERR_REMOTE_ERROR', 'ran')
          expect((cause as Error).message).toContain('{"badmatch":{"x":"odd"}}')
        })

        it('M4: an exit is another thing than an error, and keeps its reason', async () => {
          const error = await fails(ask({ what: 'exit', message: 'foo' }), 'ERR_REMOTE_EXIT', 'ran')
          expect(error.reason).toBe('foo')
        })

        it('M5: a normal exit without an answer fails at once', async () => {
          const options = { timeoutMs: 600_000 }
          const error = await fails(ask({ what: 'exit', message: 'normal' }, options), 'ERR_REMOTE_EXIT', 'ran')
          expect(error.reason).toBe('normal')
        })

        it('M6: a thrown text is kept', async () => {
          const { cause } = await fails(ask({ what: 'throw a text', message: 'ball' }), 'ERR_REMOTE_ERROR', 'ran')
          expect((cause as Error).message).toContain('ball')
        })

        it('M7: a killed process is told as that', async () => {
          const error = await fails(ask({ what: 'be killed' }, { timeoutMs: 600_000 }), 'ERR_REMOTE_EXIT', 'ran')
          expect(error.reason).toBe('killed')
        })

        it('M8: the failure of a call within it is the cause', async () => {
          const { cause } = await fails(ask({ what: 'call nobody' }), 'ERR_REMOTE_ERROR', 'ran')
          expect(cause).toMatchObject({ code: 'ERR_NOPROC', message: expect.stringContaining('nobody') })
        })

        it('M9: a time-out names procedure, region and node, and stops the process', async () => {
          const outcome = (await ask({ what: 'take long' }, { timeoutMs: 80 })).error as RpcError
          expect(outcome).toMatchObject({ code: 'ERR_RPC_TIMEOUT', procedure: procedureThere.name, region: 'syd' })
          expect(outcome.node).toBe(pair.server.id)
          expect(['unknown', 'ran']).toContain(outcome.outcome)
          await expect.poll(() => remoteProcesses(pair.server)).toEqual([])
          await isSound()
        })

        it('M10: no late answer comes after a time-out', async () => {
          // It gives up while the answer is on its way, or just before: whichever, the caller hears one thing.
          const outcomes = await Promise.all(
            Array.from({ length: 5 }, (_, at) => ask({ what: 'answer' }, { timeoutMs: 1 + at })),
          )
          for (const { error, value } of outcomes) {
            if (error === undefined) expect(value).toBe('as it was told')
            else expect(error.code).toBe('ERR_RPC_TIMEOUT')
          }
          await isSound()
        })

        it('M15: a success leaves nothing behind', isSound)

        it('M16: what is wrong with the call is told before anything is sent', async () => {
          await fails(ask({ what: 'answer' }, {}, ''), 'ERR_BAD_REGION', 'not-run')
          await fails(ask({ what: 'answer' }, { timeoutMs: -1 }), 'ERR_BAD_OPTIONS', 'not-run')
        })

        it('M18: a closure does not travel, and its place is told', async () => {
          const error = await fails(ask({ what: 'answer', lines: [() => 1] }), 'ERR_NOT_ENCODABLE', 'not-run')
          expect(error.message).toContain('input.lines[0]')
        })

        it('M17: a version that is not there is refused, naming both', async () => {
          const older = procedure({ name: 'matrix.changed', version: 1, run: (_ctx, _deed: Deed): unknown => 1 })
          const wanted = { target: 'syd', procedure: identityOf(older), input: { what: '' }, options: {} }
          const asking = call(pair[from], wanted)
          const error = await fails(asking, 'ERR_NO_PROCEDURE', 'not-run')
          expect(error.message).toContain('matrix.changed')
          expect(error.message).toMatch(/version 1.*version 2/s)
        })

        it('M13: a node that nobody knows is refused as not run', async () => {
          const error = await fails(ask({ what: 'answer' }, {}, { node: 'gone' }), 'ERR_NODE_UNREACHABLE', 'not-run')
          expect(error.message).toContain('gone')
        })

        // An actor's own end is what no caller can be told of.
        it.each([who].filter((one) => one !== 'plain code'))(
          'M11: the end of %s in mid-call stops the process',
          async () => {
            const node = pair[from]
            const name = who === 'an actor' ? actorCaller : trappingCaller
            const pid = node.whereis(name)
            const asking = ask({ what: 'take long' }, { timeoutMs: 600_000 }).catch(() => undefined)
            await expect.poll(async () => (await remoteProcesses(pair.server)).length).toBe(1)
            node.exit(name, 'kill')
            await asking
            await expect.poll(() => remoteProcesses(pair.server)).toEqual([])
            await expect.poll(() => node.whereis(name) !== undefined && node.whereis(name) !== pid).toBe(true)
            await isSound()
          },
        )

        it('M11: an abort in mid-call stops the process', async () => {
          const controller = new AbortController()
          const asking = ask({ what: 'take long' }, { timeoutMs: 600_000, signal: controller.signal })
          await expect.poll(async () => (await remoteProcesses(pair.server)).length).toBe(1)
          controller.abort()
          await fails(asking, 'ERR_RPC_ABORTED', 'unknown')
          await expect.poll(() => remoteProcesses(pair.server)).toEqual([])
        })

        // On main it would end this process.
        it.each([place].filter((one) => one === 'other thread'))(
          'M12, M14: [thread] a process whose thread is lost in mid-call is told at once',
          async () => {
            const asking = ask({ what: 'lose its thread' }, { timeoutMs: 600_000 })
            const error = await fails(asking, 'ERR_REMOTE_EXIT', 'unknown')
            expect(error).toMatchObject({ node: pair.server.id, region: 'syd', reason: 'threadlost' })
            expect(await remoteProcesses(pair.server)).toEqual([])
          },
        )

        // Our own node can't be lost to us.
        it.each([place].filter((one) => one === 'other region'))(
          'M12, M14: [%s] a node that is lost in mid-call is told at once',
          async () => {
            const { client } = pair
            const spec = kind.spec(pair.mesh, { seeds: [...client.addresses] })
            const transport = await makeTransport(spec)
            const victim = await startNode(
              app,
              quiet({ region: 'fra', primaryRegion: 'syd', cluster: 'tests', transport: () => transport }),
            )
            onTestFinished(() => victim.stop())
            await knows(client, victim, app)
            const asking = ask({ what: 'take long' }, { timeoutMs: 600_000 }, 'fra')
            await expect.poll(async () => (await remoteProcesses(victim)).length).toBe(1)
            await transport.stop()
            const error = await fails(asking, 'ERR_NODE_LOST', 'unknown')
            expect(error).toMatchObject({ node: victim.id, region: 'fra', reason: 'noconnection' })
            // What its end left behind in the table is no stale entry either.
            await client.waitFor(() => client.regionOf(victim.id) === undefined, 'the end of the node')
            await fails(ask({ what: 'answer' }, {}, 'fra'), 'ERR_NO_NODE_IN_REGION', 'not-run')
          },
        )
      })
    },
  )
}
