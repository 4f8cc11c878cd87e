import type { Node, Outcome, Pid, RpcErrorCode } from '@skerry/core'
import { actorName, child, defineApp, genServer, RpcError } from '@skerry/core'
import { expect } from 'vitest'
import * as threads from '../fixtures/thread-procedures.mjs'
import * as procedures from './failure-procedures.ts'
import { echo, waits } from './failure-procedures.ts'
import { type MeshKind, type Pair, startPair } from './two-nodes.ts'

/** Two nodes of a suite, and the check that every failed call must pass. */
export interface FailureWorld {
  readonly kind: MeshKind
  readonly pair: () => Pair
  /** Checks the class, code and outcome of a failed call, and that the other node still answers. */
  failure(call: Promise<unknown>, code: RpcErrorCode, outcome: Outcome): Promise<RpcError>
}

/** An actor that makes calls by region inside its handlers and counts how often it was asked. */
const caller = genServer({
  name: 'caller',
  remote: 'members',
  init: () => ({ asked: 0 }),
  call: {
    asked: (ctx) => ctx.state.asked,
    tryThrows: async (ctx, message: string) => {
      ctx.state.asked += 1
      try {
        return await ctx.rpcRegion('syd', procedures.throws, message)
      } catch (error) {
        return (error as RpcError).code
      }
    },
    wait: (ctx) => ctx.rpcRegion('syd', waits, undefined, { timeoutMs: 60_000 }),
  },
})

/** The protocol of the actor called `caller`, which both nodes have. */
export interface Caller {
  call: { asked(): number; tryThrows(message: string): string; wait(): string }
  cast: Record<never, never>
}

export const callerName = actorName<Caller>('caller')

/** An actor whose Pid nobody sends anywhere. */
const hidden = genServer({
  name: 'hidden',
  init: () => ({ touched: 0 }),
  call: { touched: (ctx) => ctx.state.touched, touch: (ctx) => (ctx.state.touched += 1) },
  cast: { touch: (ctx) => void (ctx.state.touched += 1) },
  info: (ctx) => void (ctx.state.touched += 1),
})

export interface Hidden {
  call: { touched(): number }
  cast: Record<never, never>
}

export const hiddenName = actorName<Hidden>('hidden')

const callerChild = child('caller', caller, [], { register: callerName })

const offered = [
  echo,
  procedures.echoOfVersion7,
  procedures.orderHere,
  procedures.throws,
  procedures.throwsAValue,
  procedures.exits,
  procedures.exitsOddly,
  procedures.throwsAtLength,
  procedures.resultWithFunction,
  procedures.largeResult,
  waits,
  procedures.mutates,
  procedures.timeLeft,
  procedures.timeLeftWithin,
  threads.whereAmI,
  threads.spinForever,
  threads.whereOnPool,
  threads.spinOnPool,
  threads.add,
  threads.addThere,
  threads.timeLeftThere,
  threads.largeThere,
  threads.addWhenThere,
  threads.regionsWith,
  threads.exitsProcess,
  threads.throwsOutside,
  threads.throwsInside,
  threads.endsItself,
  threads.hiddenProcedure(),
]

export const serverApp = defineApp({
  name: 'server',
  children: [callerChild, child('hidden', hidden, [], { register: hiddenName })],
  procedures: offered,
})
const clientApp = defineApp({
  name: 'client',
  children: [callerChild],
  procedures: [threads.add, waits, echo, procedures.timeLeft],
})

export function startFailurePair(kind: MeshKind): Promise<Pair> {
  return startPair(kind, serverApp, clientApp)
}

export async function checkFailure(
  { client, server }: Pair,
  call: Promise<unknown>,
  code: RpcErrorCode,
  outcome: Outcome,
): Promise<RpcError> {
  const error: unknown = await call.then(
    (value) => new Error(`it answered ${String(value)}`),
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(RpcError)
  const rpcError = error as RpcError
  expect(`${rpcError.code} ${rpcError.outcome}: ${rpcError.message}`).toMatch(new RegExp(`^${code} ${outcome}: `))
  expect(await client.rpc(server.id, echo, 'still there')).toBe('still there')
  return rpcError
}

/** The remote processes that run on a node now. */
export async function remoteProcesses(node: Node): Promise<readonly { readonly pid: Pid }[]> {
  const processes = (await node.whichChildren('system')).find((one) => one.id === 'RpcProcesses')
  const pid = processes?.pid as Pid<{ call: { whichChildren(): { pid: Pid }[] } }>
  return await node.call(pid, 'whichChildren', [])
}
