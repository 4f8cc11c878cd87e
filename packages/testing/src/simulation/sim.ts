import { type Pid, RuntimeError } from '@skerry/core'
import type { Fault, Place } from '../fault/fault.ts'
import type { Operation } from '../history/history.ts'
import type { SimKernel } from '../kernel/sim-kernel.ts'
import type { HoldRule, SimNetwork } from '../network/sim-network.ts'
import { TestingError } from '../platform/errors.ts'
import type { SeededRandom } from '../platform/seeded-random.ts'
import type { FaultInjector } from './fault-injector.ts'
import type { Barrier, PropertyRecorder } from './property-recorder.ts'
import { Client, type ClientHost, type Invocation } from './client.ts'
import { describeReason } from './describe-reason.ts'
import { printValue } from './print-value.ts'
import type { SimCase } from './sim-case.ts'
import type { SimNode } from './sim-node.ts'

export interface SimParts {
  readonly simCase: SimCase
  readonly kernel: SimKernel
  readonly network: SimNetwork
  readonly random: SeededRandom
  readonly nodes: readonly SimNode[]
  readonly faults: FaultInjector
  readonly properties: PropertyRecorder
}

// How often `until` asks.
const askEveryMs = 5

export interface ClientsOptions {
  /** How long a client waits between two operations, in virtual milliseconds: at least, at most. Default 1 to 200. */
  readonly thinkMs?: readonly [number, number]
  /** The operations a client does at most. Default 1,000. */
  readonly opsMax?: number
  /** The nodes that clients are attached to, one after the other. Default: all. */
  readonly at?: readonly string[]
}

/**
 * One run in the hands of its workload: who is there, what they did, and every lever. Times are virtual. What it awaits
 * goes on while the cluster lives on around it.
 */
export class Sim implements ClientHost {
  /** The workload's own chance. */
  readonly random: SeededRandom
  readonly nodes: readonly SimNode[]
  readonly #parts: SimParts
  readonly #history: Recorded[] = []
  readonly #ops: string[] = []
  #clients = 0
  #phase: 'safety' | 'healed' = 'safety'
  #whenHealed: (() => void)[] = []

  constructor(parts: SimParts) {
    this.#parts = parts
    this.random = parts.random.fork('workload')
    this.nodes = parts.nodes
  }

  get seed(): number {
    return this.#parts.simCase.seed
  }

  /** Virtual milliseconds since the start. */
  get nowMs(): number {
    return this.#parts.kernel.nowUs / 1_000
  }

  /** `'safety'`: anything may fail. `'healed'`: no fault any more, and clients must get on. */
  get phase(): 'safety' | 'healed' {
    return this.#phase
  }

  /** Every operation that clients have invoked, in order. */
  get history(): readonly Operation[] {
    return this.#history
  }

  /** Every operation that clients were to do, also those that the case leaves out. */
  get ops(): readonly string[] {
    return this.#ops
  }

  /** Throws `ERR_NO_SUCH_NODE`. */
  node(name: string): SimNode {
    const node = this.nodes.find((one) => one.name === name)
    if (node === undefined) throw new TestingError('ERR_NO_SUCH_NODE', `There is no node ${name}`)
    return node
  }

  /** The nodes that are up now. */
  get running(): readonly SimNode[] {
    return this.nodes.filter((node) => node.running)
  }

  // --- time ---

  /** Lets so much virtual time pass. */
  advance(ms: number): Promise<void> {
    const { kernel } = this.#parts
    return new Promise((resolve) => kernel.schedule(kernel.self, kernel.nowUs + ms * 1_000, 'step', resolve))
  }

  /** Waits until `condition` holds, asking every 5 milliseconds. Rejects with `ERR_NOT_UNTIL` after `withinMs` (default 10,000). */
  async until(
    condition: () => boolean,
    options: { readonly withinMs?: number; readonly what?: string } = {},
  ): Promise<void> {
    const { withinMs = 10_000, what = 'the condition' } = options
    const deadline = this.nowMs + withinMs
    while (!condition()) {
      if (this.nowMs >= deadline) throw new TestingError('ERR_NOT_UNTIL', `Waited ${withinMs} ms in vain for ${what}`)
      await this.advance(askEveryMs)
    }
  }

  /** Waits until every node is up and knows every other: what a test wants before it begins. */
  ready(options: { readonly withinMs?: number } = {}): Promise<void> {
    const all = this.nodes.map(({ name }) => name)
    return this.until(() => this.nodes.every((node) => knows(node, all)), {
      ...options,
      what: 'all nodes to know each other',
    })
  }

  // --- what goes wrong, by hand ---

  /** Cuts `from` off `to`, until the function that it returns is called, or `heal`. */
  partition(
    from: readonly Place[],
    to: readonly Place[] = ['rest'],
    options: { readonly oneWay?: boolean } = {},
  ): () => void {
    return this.#begin({
      kind: 'partition',
      from,
      to,
      oneWay: options.oneWay ?? false,
      atMs: this.nowMs,
      forMs: Infinity,
    })
  }

  /** Ends every fault that is on, and boots what is down. */
  heal(): void {
    this.#parts.faults.endAll()
    for (const node of this.nodes) node.boot()
  }

  /** As the fault `crash`, without the boot that follows it: see {@link restart}. */
  crash(node: string, options?: Parameters<SimNode['crash']>[0]): void {
    this.node(node).crash(options)
  }

  /** Boots a node that is down. */
  restart(node: string): void {
    this.node(node).boot()
  }

  pause(node: string, forMs: number): void {
    this.node(node).pause(forMs)
  }

  /** The thread of this actor is stuck for so long. */
  block(pid: Pid, forMs: number): void {
    this.node(pid.node).block(pid, forMs)
  }

  /** Its wall clock jumps and drifts, until the function that it returns is called. */
  skew(node: string, options: { readonly jumpMs?: number; readonly driftPpm?: number }): () => void {
    const { jumpMs = 0, driftPpm = 0 } = options
    return this.#begin({ kind: 'skew', node, jumpMs, driftPpm, atMs: this.nowMs, forMs: Infinity })
  }

  /** Any fault, now, until the function that it returns is called. */
  inject(fault: Fault): () => void {
    return this.#begin(fault)
  }

  /** Keeps back what fits the rule, in order, until the function that it returns is called. */
  hold(rule: HoldRule): () => void {
    return this.#parts.network.hold(rule)
  }

  /**
   * Waits until code on some node reaches `reachable(id)` or another property of that name, and lets that node stand
   * still from the end of that event on, until `release`.
   */
  barrier(id: string): Promise<Barrier> {
    return this.#parts.properties.barrier(id)
  }

  #begin(fault: Fault): () => void {
    return this.#parts.faults.begin(fault)
  }

  // --- users ---

  /**
   * Lets `count` clients do `run` again and again, each attached to one node, until the safety phase is over; then each
   * must succeed once more before it is done. Errors with a code are what users live with and are recorded; any other
   * error fails the run.
   */
  async clients(count: number, run: (client: Client) => Promise<unknown>, options: ClientsOptions = {}): Promise<void> {
    const first = this.#clients
    this.#clients += count
    const max = this.#parts.simCase.clientsMax ?? Infinity
    const at = options.at?.map((name) => this.node(name)) ?? this.nodes
    const working: Promise<void>[] = []
    for (let index = first; index < first + count && index < max; index += 1) {
      working.push(this.#client(index, at[(index - first) % at.length] as SimNode, run, options))
    }
    await Promise.all(working)
  }

  async #client(
    index: number,
    home: SimNode,
    run: (client: Client) => Promise<unknown>,
    { thinkMs = [1, 200], opsMax = 1_000 }: ClientsOptions,
  ): Promise<void> {
    const { random, simCase } = this.#parts
    const skipped = new Set(simCase.skippedOps)
    for (let n = 0; n < opsMax; n += 1) {
      const op = `${index}/${n}`
      const chance = random.fork(`client/${op}`)
      const [least, most] = thinkMs
      await this.advance(least + chance.fork('think').int(Math.max(1, (most - least) * 1_000)) / 1_000)
      while (!home.running) {
        if (this.#phase === 'healed' && this.#parts.faults.leftDead.has(home.name)) return
        await this.advance(50)
      }
      const wasHealed = this.#phase === 'healed'
      this.#ops.push(op)
      if (skipped.has(op)) {
        // It would have been the one that has to succeed.
        if (wasHealed) return
        continue
      }
      const client = new Client(this, home, index, op, chance)
      try {
        await run(client)
        client.succeeded = true
      } catch (error) {
        if (!isLivedWith(error)) throw error
        client.succeeded = false
        this.#lastError = `client ${index} at ${home.name}: ${describeReason(error)}`
      }
      if (wasHealed && client.succeeded) return
    }
  }

  #lastError = 'no operation failed'

  /** What the last operation that failed said. */
  get lastError(): string {
    return this.#lastError
  }

  /** For `Client`. Begins the record of an operation. */
  invoked(client: Client, name: string, input: unknown): Invocation {
    const { kernel } = this.#parts
    const at = this.#history.length
    const begun: Recorded = {
      client: client.index,
      id: client.op,
      name,
      input,
      invokedMs: this.nowMs,
      returnedMs: undefined,
      outcome: 'unknown',
    }
    this.#history.push(begun)
    // What is asked and answered may be changed by its owner later.
    const asked = kernel.isTraced ? `${client.op} ${name} ${printed(input)}` : name
    const facts = { peer: client.home.name, digest: at, msg: () => asked }
    const cause = kernel.note(kernel.self, 'op', facts)
    return {
      returned: (end) => {
        begun.returnedMs = this.nowMs
        begun.outcome = end.outcome
        if (end.error === undefined) begun.output = end.output
        else begun.error = end.error
        const said = end.error?.code ?? (kernel.isTraced ? printed(end.output) : '')
        const msg = (): string => `${client.op} ${name} ${end.outcome} ${said}`
        kernel.note(kernel.self, 'op', { peer: client.home.name, digest: at + 1, cause, msg })
      },
    }
  }

  // --- for the run itself ---

  /** The safety phase is over. */
  healed(): void {
    this.#phase = 'healed'
    for (const resolve of this.#whenHealed.splice(0)) resolve()
  }

  /** Resolves when the safety phase is over. */
  async whenHealed(): Promise<void> {
    if (this.#phase === 'healed') return
    await new Promise<void>((resolve) => this.#whenHealed.push(resolve))
  }
}

/** An operation while it is being done. */
type Recorded = { -readonly [Key in keyof Operation]: Operation[Key] }

/** What a user of the cluster has to live with; what the test itself did wrong is not of that kind. */
function isLivedWith(error: unknown): boolean {
  if (error instanceof TestingError) return error.code === 'ERR_CLIENT_LOST' || error.code === 'ERR_NODE_DOWN'
  return error instanceof RuntimeError
}

function knows(node: SimNode, names: readonly string[]): boolean {
  const up = node.node
  return up !== undefined && names.every((name) => up.regionOf(name) !== undefined)
}

function printed(value: unknown): string {
  const text = printValue(value)
  return text.length > 60 ? `${text.slice(0, 59)}…` : text
}
