import { getHeapStatistics } from 'node:v8'
import { type Coverage, KnownCode } from './coverage.ts'
import { type Draw, pick } from './draw.ts'
import { inputBytesMax, mutate } from './mutate.ts'
import type { Target } from './target.ts'

/** An input that a decoder must take, or refuse, in another way. */
export interface Finding {
  readonly target: string
  readonly input: Uint8Array
  readonly problem: string
}

export interface LoopOptions {
  readonly target: Target
  readonly corpus: readonly Uint8Array[]
  readonly draw: Draw
  /** What leads it; `undefined`: nothing does, so that the same seed brings the same inputs, and quickly. */
  readonly coverage: Coverage | undefined
  /** Called before each run with its input, so that somebody else can tell which one does not end. */
  readonly begin: (input: Uint8Array) => void
  readonly found: (finding: Finding) => void
}

const batchRuns = 400
// One block of code that ran once is a step. More than these for an input is work that a peer gets for too little.
const stepsMin = 100_000
const stepsPerByte = 4_000
// Beside what a decoder takes for each byte: what the first use of a function, the checks and their copies take.
const memoryMin = 1024 * 1024
const memoryPerByteDefault = 1_024
/** Findings of one decoder that are told: one mistake is met again and again. */
const findingsMax = 5

/** Puts one decoder through input after input: what it is led to, by code that ran for the first time, is changed further. */
export class FuzzLoop {
  readonly #options: LoopOptions
  readonly #corpus: Uint8Array[] = []
  readonly #problems = new Set<string>()
  readonly #known = new KnownCode()
  #runs = 0

  constructor(options: LoopOptions) {
    this.#options = options
  }

  get name(): string {
    return this.#options.target.name
  }

  get runs(): number {
    return this.#runs
  }

  get characters(): number {
    return this.#known.size
  }

  get corpus(): readonly Uint8Array[] {
    return this.#corpus
  }

  /** Runs what is real and what was kept, and keeps of it what goes another way than those before. */
  async begin(): Promise<void> {
    const { target, corpus } = this.#options
    // Copies, and no Buffers, whose slice is none.
    const seeds = Array.from(target.seeds(), (seed) => new Uint8Array(seed))
    // Twice: the first run of a function takes memory of its own.
    for (const input of seeds) await this.#run(input, false)
    await this.#keepWhatIsNew([...seeds, ...corpus])
    if (this.#options.coverage === undefined) this.#corpus.push(...seeds, ...corpus)
    if (this.#corpus.length === 0) this.#corpus.push(new Uint8Array(0))
  }

  /** So many inputs, at least. */
  async go(runs: number): Promise<void> {
    for (let left = runs; left > 0; left -= batchRuns) {
      await this.#keepWhatIsNew(Array.from({ length: batchRuns }, () => this.#next()))
    }
  }

  /** The shortest inputs that together go all the ways that are known. */
  async distill(coverage: Coverage): Promise<Uint8Array[]> {
    const inputs = [...this.#corpus].sort((left, right) => left.length - right.length)
    const kept: Uint8Array[] = []
    const known = new KnownCode()
    for (const input of inputs) {
      coverage.take()
      await this.#run(input, false)
      const taken = coverage.take()
      if (!known.hasNews(taken)) continue
      known.add(taken)
      kept.push(input)
    }
    return kept
  }

  #next(): Uint8Array {
    const { draw, target } = this.#options
    const fresh = draw(4) === 0
    const input = fresh ? new Uint8Array(target.generate(draw)) : pick(draw, this.#corpus)
    if (fresh && draw(2) === 0) return input.subarray(0, inputBytesMax)
    return mutate(input, pick(draw, this.#corpus), draw)
  }

  async #keepWhatIsNew(inputs: readonly Uint8Array[]): Promise<void> {
    if (inputs.length === 0) return
    const { coverage } = this.#options
    coverage?.take()
    let bytes = 0
    for (const input of inputs) {
      await this.#run(input, true)
      bytes += input.length
    }
    if (coverage === undefined) return
    const taken = coverage.take()
    const tooLong = taken.steps > inputs.length * stepsMin + bytes * stepsPerByte
    if (!tooLong && !this.#known.hasNews(taken)) return
    if (inputs.length > 1) {
      // Somewhere among them. What both halves share is kept with the first.
      const half = inputs.length >> 1
      await this.#keepWhatIsNew(inputs.slice(0, half))
      await this.#keepWhatIsNew(inputs.slice(half))
      return
    }
    const [input] = inputs as [Uint8Array]
    if (tooLong) this.#find(input, `${taken.steps} steps for ${input.length} bytes`)
    this.#known.add(taken)
    this.#corpus.push(input)
  }

  async #run(input: Uint8Array, isChecked: boolean): Promise<void> {
    const { target, begin } = this.#options
    begin(input)
    this.#runs += 1
    const before = isChecked ? memoryNow() : 0
    try {
      const running = target.run(input)
      if (running !== undefined) await running
    } catch (error) {
      this.#find(input, problemOf(error))
      return
    }
    if (isChecked && memoryNow() - before > this.#memoryMax(input)) await this.#weigh(input)
  }

  /** A compiler or a collection may have come between: only what takes as much each time counts. */
  async #weigh(input: Uint8Array): Promise<void> {
    const took: number[] = []
    for (let left = 3; left > 0; left -= 1) {
      const before = memoryNow()
      await this.#options.target.run(input)
      took.push(memoryNow() - before)
    }
    const least = Math.min(...took)
    if (least > this.#memoryMax(input)) this.#find(input, `${least} bytes of memory for ${input.length} bytes`)
  }

  #memoryMax({ length }: Uint8Array): number {
    return memoryMin + length * (this.#options.target.memoryPerByte ?? memoryPerByteDefault)
  }

  #find(input: Uint8Array, problem: string): void {
    // The same mistake has the same place, whatever its text says of the input.
    const key = /\n\s+at (.*\n.*)/.exec(problem)?.[1] ?? problem
    if (this.#problems.has(key) || this.#problems.size >= findingsMax) return
    this.#problems.add(key)
    this.#options.found({ target: this.name, input, problem })
  }
}

function memoryNow(): number {
  const { used_heap_size: heap, external_memory: external } = getHeapStatistics()
  return heap + external
}

function problemOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : `threw ${String(error)}`
}
