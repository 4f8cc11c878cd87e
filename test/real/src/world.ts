import type { ProcedureRef, RpcOptions } from '@skerry/core'
import type { Operation, SeededRandom } from '@skerry/testing'

/** A user of a cluster: what a simulated client and one of real processes have in common. */
export interface WorldClient {
  readonly op: string
  readonly random: SeededRandom
  rpcPrimary<Input, Output>(procedure: ProcedureRef<Input, Output>, input: Input, options?: RpcOptions): Promise<Output>
  sleep(ms: number): Promise<void>
}

/** What a workload needs of a cluster, simulated or real. Times are virtual in the one and real in the other. */
export interface World {
  readonly history: readonly Operation[]
  readonly phase: 'safety' | 'healed'
  /** Waits until every node is up and knows every other. */
  ready(options?: { readonly withinMs?: number }): Promise<void>
  advance(ms: number): Promise<void>
  clients(
    count: number,
    run: (client: WorldClient) => Promise<unknown>,
    options?: { readonly thinkMs?: readonly [number, number] },
  ): Promise<void>
  /** Lets nothing through between the two, or only one way; ends when the function is called. */
  partition(from: readonly string[], to: readonly string[], options?: { readonly oneWay?: boolean }): () => void
  crash(node: string): void
  restart(node: string): void
  pause(node: string, forMs: number): void
}
