import {
  type CallOptions,
  CallError,
  type ProcedureRef,
  type RegionTarget,
  type RpcOptions,
  RpcError,
  RuntimeError,
  type Target,
} from '@skerry/core'
import type { Operation } from '../history/history.ts'
import type { SeededRandom } from '../platform/seeded-random.ts'
import type { SimNode } from './sim-node.ts'

/** What a client needs of the run that it is part of. */
export interface ClientHost {
  advance(ms: number): Promise<void>
  /** Begins the record of an operation. */
  invoked(client: Client, name: string, input: unknown): Invocation
}

/** An operation that was invoked and has not returned. */
export interface Invocation {
  returned(end: Pick<Operation, 'outcome' | 'output' | 'error'>): void
}

/** A user of the cluster, attached to one of its nodes, doing one operation. Everything that it asks is recorded. */
export class Client {
  readonly index: number
  /** `client/number`, both from 0. */
  readonly op: string
  /** Where it is attached. */
  readonly home: SimNode
  /** Chance of this operation alone: leaving another operation out changes nothing here. */
  readonly random: SeededRandom
  readonly #host: ClientHost
  /** Whether something that it asked for in this operation was answered. */
  succeeded = false

  constructor(host: ClientHost, home: SimNode, index: number, op: string, random: SeededRandom) {
    this.#host = host
    this.home = home
    this.index = index
    this.op = op
    this.random = random
  }

  rpcRegion<Input, Output>(
    target: RegionTarget,
    procedure: ProcedureRef<Input, Output>,
    input: Input,
    options?: RpcOptions,
  ): Promise<Output> {
    return this.record(procedure.name, input, () =>
      this.home.whileUp((node) => node.rpcRegion(target, procedure, input, options)),
    )
  }

  rpcPrimary<Input, Output>(
    procedure: ProcedureRef<Input, Output>,
    input: Input,
    options?: RpcOptions,
  ): Promise<Output> {
    return this.rpcRegion('primary', procedure, input, options)
  }

  rpc<Input, Output>(
    node: string,
    procedure: ProcedureRef<Input, Output>,
    input: Input,
    options?: RpcOptions,
  ): Promise<Output> {
    return this.record(procedure.name, input, () =>
      this.home.whileUp((home) => home.rpc(node, procedure, input, options)),
    )
  }

  /** A call to an actor of its node. */
  call(target: Target, name: string, args: readonly unknown[], options?: CallOptions): Promise<unknown> {
    const untyped = target as Target<{ call: Record<string, (...all: readonly unknown[]) => unknown> }>
    return this.record(name, args, () => this.home.whileUp((node) => node.call(untyped, name, args as never, options)))
  }

  /** Does `work` and writes it into the history as the operation `name`. */
  async record<Output>(name: string, input: unknown, work: () => Promise<Output>): Promise<Output> {
    const invocation = this.#host.invoked(this, name, input)
    try {
      const output = await work()
      this.succeeded = true
      invocation.returned({ outcome: 'ok', output })
      return output
    } catch (error) {
      const { code, message } =
        error instanceof RuntimeError ? error : { code: 'ERR_NOT_CODED', message: String(error) }
      invocation.returned({ outcome: outcomeOf(error), error: { code, message } })
      throw error
    }
  }

  sleep(ms: number): Promise<void> {
    return this.#host.advance(ms)
  }
}

/** What the error says of whether anything was done. `ran`: it was run and failed half-way, so what it did is unknown. */
function outcomeOf(error: unknown): Operation['outcome'] {
  const outcome = error instanceof RpcError || error instanceof CallError ? error.outcome : undefined
  return outcome === 'not-run' ? 'fail' : 'unknown'
}
