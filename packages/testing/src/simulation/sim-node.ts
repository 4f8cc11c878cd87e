import { type AppDefinition, type Node, type Pid, startNode } from '@skerry/core'
import type { Platform, Threads } from '@skerry/core/platform'
import { describeReason } from './describe-reason.ts'
import type { SimKernel } from '../kernel/sim-kernel.ts'
import { SimUnit } from '../kernel/sim-unit.ts'
import type { SimNetwork } from '../network/sim-network.ts'
import { TestingError } from '../platform/errors.ts'
import { memoryFiles, type MemoryFiles } from '../platform/memory-files.ts'
import type { SeededRandom } from '../platform/seeded-random.ts'
import { simFiles } from './sim-files.ts'
import { SimLog } from './sim-log.ts'
import { simPlatform } from './sim-platform.ts'
import { SimThreads } from './sim-threads.ts'
import type { SimNodeSpec } from './sim-case.ts'
import { WallClock } from './wall-clock.ts'

export interface SimNodeWorld {
  readonly kernel: SimKernel
  readonly network: SimNetwork
  /** The run's; each node and life forks its own. */
  readonly random: SeededRandom
  readonly app: AppDefinition
  readonly primary: string
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly order: 'fifo' | 'shuffle'
  readonly copies: boolean
  readonly restartMs: number
  /** The first boot of a node, before anything went wrong, failed: there is nothing to simulate. */
  readonly bootFailed: (node: string, error: unknown) => void
}

/** How a crash leaves the node's files. */
export type FilesAfterCrash = 'keep' | 'loseUnsynced' | 'torn' | 'lose'

interface Life {
  readonly number: number
  readonly main: SimUnit
  readonly threads: SimThreads
  readonly units: SimUnit[]
  /** Called when this life is over: who waits for something from it. */
  readonly lost: Set<() => void>
}

/** One machine of the simulated cluster: its files and clock outlive the lives of the node on it. */
export class SimNode {
  readonly name: string
  readonly region: string
  readonly files: MemoryFiles = memoryFiles()
  readonly wall: WallClock
  readonly #world: SimNodeWorld
  readonly #index: number
  #life: Life | undefined
  #lives = 0
  #node: Node | undefined
  #pausedUntilUs = 0
  #turnUs = 0
  /** Whether a fault hit it by itself: then a boot may fail without anybody's mistake. */
  #harmed = false

  constructor(spec: SimNodeSpec, index: number, world: SimNodeWorld) {
    this.name = spec.name
    this.region = spec.region
    this.#index = index
    this.#world = world
    this.wall = new WallClock(world.kernel)
  }

  /** Core's node, from when its app is up to the end of that life. */
  get node(): Node | undefined {
    return this.#node
  }

  /** Whether its app is up. */
  get running(): boolean {
    return this.#node !== undefined
  }

  /** How often it was booted. */
  get lives(): number {
    return this.#lives
  }

  /** Core's node. Throws `ERR_NODE_DOWN` while it is down. */
  get up(): Node {
    if (this.#node === undefined) throw new TestingError('ERR_NODE_DOWN', `The node ${this.name} is down`)
    return this.#node
  }

  /** Starts a new life of the node. Does nothing while one is running. */
  boot(): void {
    if (this.#life !== undefined) return
    const { kernel, network, app, primary } = this.#world
    const number = (this.#lives += 1)
    const main = this.#unit()
    const platformOf = (unit: SimUnit, thread: number, view: Threads): Platform =>
      this.#platform(unit, number, thread, view)
    const threads: SimThreads = new SimThreads({
      kernel,
      main,
      open: (thread, viewOf) => {
        const unit = this.#unit()
        life.units.push(unit)
        return { unit, platform: platformOf(unit, thread, viewOf(unit)) }
      },
    })
    const life: Life = { number, main, threads, units: [main], lost: new Set() }
    this.#life = life
    kernel.schedule(
      main,
      kernel.nowUs,
      'boot',
      () => {
        startNode(app, {
          platform: platformOf(main, 0, threads),
          transport: () => network.transportFor(this.name, main),
          region: this.region,
          primaryRegion: primary,
          cluster: app.name,
        }).then(
          (node) => this.#isUp(life, node),
          (error: unknown) => this.#bootFailed(life, error),
        )
      },
      { msg: () => `life ${number}` },
    )
  }

  /** Ends this life without a word: nothing of it runs any more, not even what its handlers still await. */
  crash(options: { readonly files?: FilesAfterCrash; readonly silent?: boolean } = {}): void {
    const life = this.#life
    if (life === undefined) return
    const { files = 'keep', silent = false } = options
    const { kernel, network, random } = this.#world
    kernel.note(life.main, 'crash', { msg: () => (silent ? 'silently' : 'its sockets are reset') })
    network.crashed(this.name, silent)
    this.files.crash(files, random.fork(`files/${this.name}/${life.number}`))
    this.#over(life)
  }

  /** It stands still for so long: every thread of it; what arrives waits. Gives back its end, for {@link resume}. */
  pause(forMs: number): number {
    this.#harmed = true
    const { kernel } = this.#world
    const untilUs = kernel.nowUs + forMs * 1_000
    this.#pausedUntilUs = Math.max(this.#pausedUntilUs, untilUs)
    for (const unit of this.#life?.units ?? []) kernel.block(unit, this.#pausedUntilUs)
    return untilUs
  }

  /** Ends its pause early, unless another lasts beyond `untilUs`. A thread that is stuck for longer by itself stays so. */
  resume(untilUs: number = Infinity): void {
    const { kernel } = this.#world
    const pausedUntilUs = this.#pausedUntilUs
    if (pausedUntilUs > untilUs || pausedUntilUs <= kernel.nowUs) return
    this.#pausedUntilUs = 0
    for (const unit of this.#life?.units ?? []) if (unit.blockedUntilUs === pausedUntilUs) kernel.unblock(unit)
  }

  /** From now on each turn, timer and arrival takes so long of its time; 0 is full speed. */
  slow(turnUs: number): void {
    this.#harmed = true
    this.#turnUs = turnUs
    for (const unit of this.#life?.units ?? []) unit.turnUs = turnUs
  }

  /** The thread of this actor is stuck for so long, as in a loop that does not yield. */
  block(pid: Pid, forMs: number): void {
    this.#harmed = true
    const { kernel } = this.#world
    const unit = this.#life?.units[pid.thread]
    if (unit !== undefined && pid.life === this.#node?.life) kernel.block(unit, kernel.nowUs + forMs * 1_000)
  }

  /** Ends one of its threads of their own, the `pick`th modulo their number. `false` when it has none. */
  killThread(pick = 0): boolean {
    this.#harmed = true
    const running = this.#life?.threads.running ?? []
    const thread = running[running.length === 0 ? 0 : pick % running.length]
    thread?.end(1, new Error('The thread was lost'))
    return thread !== undefined
  }

  /** Settles as `work` does; rejects with `ERR_CLIENT_LOST` when this life ends first: what was asked may have been done. */
  async whileUp<T>(work: (node: Node) => Promise<T>): Promise<T> {
    const node = this.up
    const { kernel } = this.#world
    const { lost } = this.#life as Life
    return await new Promise<T>((resolve, reject) => {
      const giveUp = (): void => {
        const problem = `The node ${this.name} of this client ended before its answer came`
        reject(new TestingError('ERR_CLIENT_LOST', problem))
      }
      lost.add(giveUp)
      // Answered on the node, and heard by its client, who goes on beside it: what the client does next, such as setting a
      // timer, is not the node's.
      const hear = (settle: () => void): void => {
        if (lost.delete(giveUp)) kernel.schedule(kernel.self, kernel.nowUs, 'step', settle)
      }
      work(node).then(
        (value) => hear(() => resolve(value)),
        (error: unknown) => hear(() => reject(error)),
      )
    })
  }

  #unit(): SimUnit {
    const unit = new SimUnit(this.name, this.#index + 1)
    unit.blockedUntilUs = this.#pausedUntilUs
    unit.turnUs = this.#turnUs
    return unit
  }

  #platform(unit: SimUnit, life: number, thread: number, threads: Threads): Platform {
    const { kernel, random, environment, order, copies } = this.#world
    return simPlatform({
      kernel,
      unit,
      random: random.fork(`node/${this.name}/${life}/${thread}`),
      wallMs: () => this.wall.now(),
      threads,
      files: simFiles(kernel, unit, this.files),
      log: new SimLog(kernel, unit),
      environment,
      order,
      copies,
      // The end of a node that failed shows in `closed`.
      setExitCode: () => undefined,
    })
  }

  #isUp(life: Life, node: Node): void {
    if (this.#life !== life) return
    const { kernel } = this.#world
    this.#node = node
    kernel.note(life.main, 'boot', { msg: () => 'up' })
    void node.closed.then((end) => {
      if (this.#life !== life) return
      kernel.note(life.main, 'stop', { msg: () => end.detail })
      this.#over(life)
      if (end.kind === 'failed') this.#bootLater()
    })
  }

  #bootFailed(life: Life, error: unknown): void {
    if (this.#life !== life) return
    const { kernel, network, bootFailed } = this.#world
    kernel.note(life.main, 'stop', { msg: () => `did not start: ${describeReason(error)}` })
    network.crashed(this.name, false)
    this.#over(life)
    if (life.number === 1 && !this.#harmed) bootFailed(this.name, error)
    else this.#bootLater()
  }

  /** Whoever runs a real node starts it again when it failed. */
  #bootLater(): void {
    const { kernel, restartMs } = this.#world
    kernel.schedule(kernel.self, kernel.nowUs + restartMs * 1_000, 'boot', () => this.boot())
  }

  #over(life: Life): void {
    for (const unit of life.units) unit.kill()
    this.#life = undefined
    this.#node = undefined
    for (const giveUp of life.lost) giveUp()
  }
}
