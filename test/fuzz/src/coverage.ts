import { type Profiler, Session } from 'node:inspector'

/** What some runs went through. */
export interface Taken {
  /** By function, what of its text ran: a byte for each character, 1 or 0. */
  readonly covered: ReadonlyMap<string, Uint8Array>
  /** How often blocks of code ran, in all: time that does not depend on the machine. */
  readonly steps: number
}

/**
 * What of the decoders' code runs on this thread, by V8's own counters: no code is changed, and all that is loaded counts.
 * Taking them costs about two milliseconds, so many runs share one.
 */
export class Coverage {
  readonly #session = new Session()

  constructor() {
    this.#session.connect()
    this.#post('Profiler.enable')
    this.#post('Profiler.startPreciseCoverage', { callCount: true, detailed: true })
  }

  /** What ran since it was last asked. */
  take(): Taken {
    const { result } = this.#post('Profiler.takePreciseCoverage') as Profiler.TakePreciseCoverageReturnType
    const covered = new Map<string, Uint8Array>()
    let steps = 0
    for (const { scriptId, url, functions } of result) {
      if (!isDecoder(url)) continue
      for (const { ranges } of functions) {
        const [whole] = ranges
        if (whole === undefined || whole.count === 0) continue
        steps += ranges.reduce((sum, { count }) => sum + count, 0)
        covered.set(`${scriptId}:${whole.startOffset}-${whole.endOffset}`, paint(whole, ranges))
      }
    }
    return { covered, steps }
  }

  #post(method: string, parameters?: object): unknown {
    let answer: unknown
    // Of the same thread, it answers before it returns.
    this.#session.post(method, parameters, (error: Error | null, result?: object) => {
      if (error !== null) throw error
      answer = result
    })
    return answer
  }
}

/** V8 joins neighbouring blocks that ran as often as each other, so its ranges are no names: what they cover is compared. */
function paint(whole: Profiler.CoverageRange, ranges: readonly Profiler.CoverageRange[]): Uint8Array {
  const characters = new Uint8Array(whole.endOffset - whole.startOffset)
  // An inner range comes behind the one that it is in.
  for (const { startOffset, endOffset, count } of ranges) {
    characters.fill(count > 0 ? 1 : 0, startOffset - whole.startOffset, endOffset - whole.startOffset)
  }
  return characters
}

/** The code that somebody has seen running. */
export class KnownCode {
  readonly #known = new Map<string, Uint8Array>()

  /** Characters of program text. */
  get size(): number {
    let size = 0
    for (const characters of this.#known.values()) for (const one of characters) size += one
    return size
  }

  hasNews({ covered }: Taken): boolean {
    for (const [key, characters] of covered) {
      const known = this.#known.get(key)
      if (known === undefined) return true
      for (let at = 0; at < characters.length; at += 1) {
        if ((characters[at] as number) > (known[at] as number)) return true
      }
    }
    return false
  }

  add({ covered }: Taken): void {
    for (const [key, characters] of covered) {
      const known = this.#known.get(key)
      if (known === undefined) this.#known.set(key, characters)
      else
        for (let at = 0; at < characters.length; at += 1) known[at] = (known[at] as number) | (characters[at] as number)
    }
  }
}

function isDecoder(url: string): boolean {
  return /\/packages\/[^/]+\/dist\/|\/(?:msgpackr|dns-packet)\//.test(url)
}
