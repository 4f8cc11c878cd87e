import { type ChildProcess, fork } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { type ProcedureRef, RuntimeError, type RpcOptions } from '@skerry/core'
import { type Operation, type SeededRandom, seededRandom } from '@skerry/testing'
import { createIdentity } from '@skerry/transport-libp2p'
import type { FromNode, ToNode } from './control-message.ts'
import { openProxies } from './proxy-ways.ts'
import type { Berth, Ways } from './ways.ts'
import type { World, WorldClient } from './world.ts'

interface Machine {
  readonly name: string
  readonly region: string
  readonly folder: string
  readonly place: object
  readonly wrapper: Berth['wrapper']
  process: ChildProcess | undefined
  isUp: boolean
  /** Who waits for an answer of the process that runs now. */
  readonly waiting: Map<number, { resolve(value: unknown): void; reject(error: Error): void }>
}

/** What a client of a process is told: the error of its node, as data. */
class ClientError extends RuntimeError {
  readonly outcome: 'not-run' | 'unknown' | 'ran'

  constructor(code: string, message: string, outcome: ClientError['outcome']) {
    super(code, message)
    this.outcome = outcome
  }
}

type Recorded = { -readonly [Key in keyof Operation]: Operation[Key] }

const nodeProcess = fileURLToPath(new URL('node-process.js', import.meta.url))

/** The same world as the simulated one, made of processes, sockets, signals and disks. One node a region. */
export class RealCluster implements World {
  phase: 'safety' | 'healed' = 'safety'
  readonly #machines: readonly Machine[]
  readonly #ways: Ways
  readonly #random: SeededRandom
  readonly #history: Recorded[] = []
  readonly #root: string
  readonly #started = performance.now()
  #isStopped = false
  #clients = 0
  #refs = 0

  private constructor(machines: readonly Machine[], ways: Ways, root: string, seed: number) {
    this.#machines = machines
    this.#ways = ways
    this.#root = root
    this.#random = seededRandom(seed)
  }

  /** On `ways`, which it closes when it stops. Default: on loopback, with proxies between the processes. */
  static async start(regions: readonly string[], seed: number, ways?: Ways): Promise<RealCluster> {
    const root = mkdtempSync(join(tmpdir(), 'skerry-real-'))
    const between = ways ?? (await openProxies(regions))
    const machines = await Promise.all(
      regions.map(async (region): Promise<Machine> => {
        const folder = mkdtempSync(join(root, `${region}-`))
        const { privateKey } = await createIdentity()
        const { wrapper, ...berth } = between.berth(region)
        const place = { region, privateKey, folder, ...berth }
        const name = `${region}-1`
        return { name, region, folder, place, wrapper, process: undefined, isUp: false, waiting: new Map() }
      }),
    )
    const cluster = new RealCluster(machines, between, root, seed)
    for (const { name } of machines) cluster.restart(name)
    return cluster
  }

  get history(): readonly Operation[] {
    return this.#history
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    for (const machine of this.#machines) {
      machine.process?.kill('SIGCONT')
      machine.process?.kill('SIGKILL')
    }
    await this.#until(() => this.#machines.every((machine) => machine.process === undefined), 5_000)
    await this.#ways.close()
    rmSync(this.#root, { recursive: true })
  }

  /** Ends all trouble: clients are done when each succeeded once more. */
  heal(): void {
    this.phase = 'healed'
    for (const machine of this.#machines) if (machine.process === undefined) this.restart(machine.name)
  }

  async ready({ withinMs = 20_000 }: { readonly withinMs?: number } = {}): Promise<void> {
    await this.#until(() => this.#machines.every((machine) => machine.isUp), withinMs)
    const all = this.#machines.length
    for (const machine of this.#machines) {
      for (let left = withinMs / 50; ; left -= 1) {
        const regions = (await this.#ask(machine, { type: 'regions', ref: 0 })) as string[]
        if (regions.length === all) break
        if (left <= 0) throw new Error(`${machine.name} knows only ${regions.join(', ')}`)
        await sleep(50)
      }
    }
  }

  async advance(ms: number): Promise<void> {
    await sleep(ms)
  }

  async clients(
    count: number,
    run: (client: WorldClient) => Promise<unknown>,
    { thinkMs = [1, 200] }: { readonly thinkMs?: readonly [number, number] } = {},
  ): Promise<void> {
    const first = this.#clients
    this.#clients += count
    const indexes = Array.from({ length: count }, (_, at) => first + at)
    await Promise.all(indexes.map((index) => this.#client(index, run, thinkMs)))
  }

  partition(from: readonly string[], to: readonly string[], options: { readonly oneWay?: boolean } = {}): () => void {
    const ends = [this.#ways.cut(from, to)]
    if (options.oneWay !== true) ends.push(this.#ways.cut(to, from))
    return () => {
      for (const end of ends) end()
    }
  }

  crash(node: string): void {
    this.#machine(node).process?.kill('SIGKILL')
  }

  pause(node: string, forMs: number): void {
    const { process: paused } = this.#machine(node)
    paused?.kill('SIGSTOP')
    void sleep(forMs).then(() => paused?.kill('SIGCONT'))
  }

  restart(node: string): void {
    const machine = this.#machine(node)
    // On a busy machine a process that was killed is there a little longer, and so is its port.
    if (machine.process === undefined) this.#startProcess(machine)
    else machine.process.once('exit', () => this.restart(node))
  }

  #startProcess(machine: Machine): void {
    if (this.#isStopped) return
    const [execPath, ...before] = [...machine.wrapper, process.execPath]
    const child = fork(nodeProcess, [JSON.stringify(machine.place)], {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      execPath,
      execArgv: before,
    })
    machine.process = child
    child.on('message', (message: FromNode) => heard(machine, message))
    child.on('exit', () => {
      if (machine.process === child) machine.process = undefined
      machine.isUp = false
      for (const waiting of machine.waiting.values()) {
        waiting.reject(new ClientError('ERR_CLIENT_LOST', 'The process ended before its answer came', 'unknown'))
      }
      machine.waiting.clear()
    })
  }

  async #client(
    index: number,
    run: (client: WorldClient) => Promise<unknown>,
    [least, most]: readonly [number, number],
  ): Promise<void> {
    const home = this.#machines[index % this.#machines.length] as Machine
    for (let n = 0; n < 10_000; n += 1) {
      const op = `${index}/${n}`
      const random = this.#random.fork(`client/${op}`)
      await sleep(least + random.fork('think').int(most - least))
      while (!home.isUp) await sleep(20)
      const wasHealed = this.phase === 'healed'
      const rpcPrimary: WorldClient['rpcPrimary'] = (procedure, input, options) =>
        this.#recorded(index, op, home, procedure, input, options)
      try {
        await run({ op, random, rpcPrimary, sleep: (ms) => sleep(ms) })
        if (wasHealed) return
      } catch (error) {
        if (!(error instanceof ClientError)) throw error
      }
    }
  }

  async #recorded<Input, Output>(
    client: number,
    id: string,
    home: Machine,
    { name, version }: ProcedureRef<Input, Output>,
    input: Input,
    options: RpcOptions = {},
  ): Promise<Output> {
    const operation: Recorded = {
      client,
      id,
      name,
      input,
      invokedMs: this.#nowMs(),
      returnedMs: undefined,
      outcome: 'unknown',
    }
    this.#history.push(operation)
    try {
      const message: ToNode = { type: 'rpcPrimary', ref: 0, procedure: { name, version }, input, options }
      operation.output = await this.#ask(home, message)
      operation.outcome = 'ok'
      return operation.output as Output
    } catch (error) {
      if (error instanceof ClientError && error.outcome === 'not-run') operation.outcome = 'fail'
      throw error
    } finally {
      operation.returnedMs = this.#nowMs()
    }
  }

  #ask(machine: Machine, message: ToNode): Promise<unknown> {
    const ref = (this.#refs += 1)
    return new Promise((resolve, reject) => {
      if (machine.process === undefined)
        return reject(new ClientError('ERR_NODE_DOWN', 'The process is down', 'not-run'))
      machine.waiting.set(ref, { resolve, reject })
      machine.process.send({ ...message, ref }, (error) => {
        if (error === null) return
        // Killed a moment ago. What was not sent because the channel is closed was not run; of anything else nobody knows.
        const outcome = (error as NodeJS.ErrnoException).code === 'ERR_IPC_CHANNEL_CLOSED' ? 'not-run' : 'unknown'
        machine.waiting.delete(ref)
        reject(new ClientError('ERR_NODE_DOWN', error.message, outcome))
      })
    })
  }

  async #until(condition: () => boolean, withinMs: number): Promise<void> {
    for (let left = withinMs / 20; !condition(); left -= 1) {
      if (left <= 0) throw new Error(`not within ${withinMs} ms`)
      await sleep(20)
    }
  }

  #machine(name: string): Machine {
    const machine = this.#machines.find((one) => one.name === name)
    if (machine === undefined) throw new Error(`no machine ${name}`)
    return machine
  }

  #nowMs(): number {
    return performance.now() - this.#started
  }
}

function heard(machine: Machine, message: FromNode): void {
  if (message.type === 'up') {
    machine.isUp = true
    return
  }
  const waiting = machine.waiting.get(message.ref)
  machine.waiting.delete(message.ref)
  if (message.type === 'answer') waiting?.resolve(message.value)
  else waiting?.reject(new ClientError(message.code, message.message, message.outcome))
}
