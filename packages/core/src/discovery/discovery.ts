import { backoffDelayMs } from '../base/backoff.ts'
import { errorData } from '../base/error-data.ts'
import type { Platform, Timer } from '../platform/platform.ts'
import { choosePlaces } from './choose-places.ts'
import { DiscoveryError } from './errors.ts'
import type { DiscoverySelf, DiscoverySource, OpenSource } from './source.ts'

/** How sources are asked. Times in milliseconds. */
export interface DiscoverySettings {
  /** The bound of the first delay between two questions; it doubles while nothing changes. */
  readonly firstMs: number
  /** The longest delay while all is well. */
  readonly intervalMs: number
  /** The longest delay while this node has no link to anybody. */
  readonly aloneMs: number
  /** The longest delay while the source fails. */
  readonly failingMs: number
  /** How long one question may take. */
  readonly timeoutMs: number
  /** A place that good answers have not named for so long is dialled no more. */
  readonly forgetMs: number
  /** Places of one source that are dialled. What is beyond it is left out, and counted. */
  readonly placesMax: number
}

export const defaultDiscoverySettings: DiscoverySettings = {
  firstMs: 500,
  intervalMs: 10_000,
  aloneMs: 2_000,
  failingMs: 30_000,
  timeoutMs: 5_000,
  forgetMs: 30_000,
  placesMax: 64,
}

/** How long the close of a source is waited for. */
const closeMs = 1_000

/** Who dials. */
export interface PlaceDialer {
  offer(address: string): void
  withdraw(address: string): void
  isAlone(): boolean
}

export interface DiscoveryOptions {
  readonly sources: readonly DiscoverySource[]
  readonly self: DiscoverySelf
  readonly platform: Platform
  readonly dialer: PlaceDialer
  readonly settings?: Partial<DiscoverySettings>
}

/** What one source has said and done since the node started. */
export interface DiscoverySourceInfo {
  readonly name: string
  /** What is dialled because of it, with the region that it told. */
  readonly places: readonly { readonly address: string; readonly region?: string | undefined }[]
  /** Why the last question failed; `undefined` after a good answer. */
  readonly failure: string | undefined
  readonly questions: number
  readonly failures: number
  /** Places beyond the bounds, and what was no place. Counted at every answer. */
  readonly dropped: number
  /** Places that were dialled no more because good answers named them no more. */
  readonly forgotten: number
}

/** With a `failure`, part of one. */
interface Answer {
  readonly places: readonly unknown[]
  readonly failure?: unknown
}

interface Known {
  region: string | undefined
  /** Of the monotonic clock. */
  seenMs: number
}

/**
 * Asks the sources again and again and has the dialler dial what they name: soon while something changes or nobody is
 * linked, seldom while all stays as it is, with growing delays while a source fails, and always with jitter. A failure is
 * never fatal: it is logged when it begins and when it is over, and all that the source named before stays.
 */
export class Discovery {
  readonly #options: DiscoveryOptions
  readonly #settings: DiscoverySettings
  readonly #asked: readonly AskedSource[]

  constructor(options: DiscoveryOptions) {
    this.#options = options
    this.#settings = { ...defaultDiscoverySettings, ...options.settings }
    this.#asked = options.sources.map((source) => new AskedSource(source, this.#options, this.#settings, this.#others))
  }

  start(): void {
    for (const asked of this.#asked) asked.start()
  }

  /** Asks and dials nothing any more. Resolves when every source is closed. Idempotent. */
  async stop(): Promise<void> {
    await Promise.all(this.#asked.map((asked) => asked.stop()))
  }

  info(): readonly DiscoverySourceInfo[] {
    return this.#asked.map((asked) => asked.info())
  }

  // Two sources may name one place: it is dialled until neither does.
  readonly #others = (but: AskedSource, address: string): boolean =>
    this.#asked.some((asked) => asked !== but && asked.names(address))
}

class AskedSource {
  readonly #source: DiscoverySource
  readonly #options: DiscoveryOptions
  readonly #settings: DiscoverySettings
  readonly #isNamedElsewhere: (but: AskedSource, address: string) => boolean
  readonly #known = new Map<string, Known>()
  #open: OpenSource | undefined
  #timer: Timer | undefined
  #abort: AbortController | undefined
  #isWaiting = false
  #isStopped = false
  /** Questions in a row that changed nothing. */
  #quiet = 0
  /** Failures in a row. */
  #failed = 0
  #failure: string | undefined
  #counts = { questions: 0, failures: 0, dropped: 0, forgotten: 0 }

  constructor(
    source: DiscoverySource,
    options: DiscoveryOptions,
    settings: DiscoverySettings,
    isNamedElsewhere: (but: AskedSource, address: string) => boolean,
  ) {
    this.#source = source
    this.#options = options
    this.#settings = settings
    this.#isNamedElsewhere = isNamedElsewhere
  }

  names(address: string): boolean {
    return this.#known.has(address)
  }

  info(): DiscoverySourceInfo {
    const places = Array.from(this.#known, ([address, { region }]) => ({ address, region }))
    return { name: this.#source.name, places, failure: this.#failure, ...this.#counts }
  }

  start(): void {
    this.#ask()
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    this.#timer?.cancel()
    this.#abort?.abort(new Error('The node stops'))
    const { clock, log } = this.#options.platform
    const open = this.#open
    this.#open = undefined
    if (open?.close === undefined) return
    await new Promise<void>((resolve) => {
      const late = clock.after(closeMs, resolve)
      const closed = (): void => (late.cancel(), resolve())
      Promise.resolve(open.close?.()).then(closed, (error: unknown) => {
        log.warn({ source: this.#source.name, failure: String(error) }, 'a discovery source did not close')
        closed()
      })
    })
  }

  #ask(): void {
    this.#counts.questions += 1
    const abort = new AbortController()
    this.#abort = abort
    const { clock } = this.#options.platform
    const { timeoutMs } = this.#settings
    const late = clock.after(timeoutMs, () => {
      const error = new DiscoveryError('ERR_DISCOVERY_FAILED', `No answer within ${timeoutMs} ms`)
      abort.abort(error)
      this.#settle(abort, () => this.#takeFailure(error))
    })
    this.#isWaiting = true
    this.#find(abort.signal).then(
      (found) => {
        this.#isWaiting = false
        late.cancel()
        this.#settle(abort, () => this.#takeAnswer(found))
      },
      (error: unknown) => {
        this.#isWaiting = false
        late.cancel()
        this.#settle(abort, () => this.#takeFailure(error))
      },
    )
  }

  async #find(signal: AbortSignal): Promise<Answer> {
    this.#open ??= this.#source.open(this.#options.self, this.#options.platform)
    const found = await this.#open.find(signal)
    const answer: Answer = 'places' in found ? found : { places: found }
    if (Array.isArray(answer.places)) return answer
    throw new DiscoveryError('ERR_DISCOVERY_FAILED', 'The answer is not a list of places')
  }

  #settle(abort: AbortController, take: () => void): void {
    if (this.#isStopped || this.#abort !== abort) return
    this.#abort = undefined
    take()
    this.#askLater()
  }

  #askLater(): void {
    const { platform, dialer } = this.#options
    const { firstMs, intervalMs, aloneMs, failingMs } = this.#settings
    const isFailing = this.#failed > 0
    const wellMs = dialer.isAlone() ? Math.min(aloneMs, intervalMs) : intervalMs
    const attempt = isFailing ? this.#failed - 1 : this.#quiet
    const delayMs = backoffDelayMs(attempt, { firstMs, maxMs: isFailing ? failingMs : wellMs }, platform.random.float())
    this.#timer = platform.clock.after(delayMs, () => {
      // A source that takes no notice of the abort is not asked a second time meanwhile.
      if (this.#isWaiting) this.#askedInVain()
      else this.#ask()
    })
  }

  #askedInVain(): void {
    this.#takeFailure(new DiscoveryError('ERR_DISCOVERY_FAILED', 'The question before has no answer yet'))
    this.#askLater()
  }

  #takeAnswer(answer: Answer): void {
    const nowMs = this.#options.platform.clock.monotonic()
    this.#quiet += 1
    this.#takePlaces(answer.places, nowMs)
    if ('failure' in answer) {
      this.#takeFailure(answer.failure)
      return
    }
    if (this.#failed > 0) this.#options.platform.log.info({ source: this.#source.name }, 'discovery works again')
    this.#failed = 0
    this.#failure = undefined
    this.#forget(nowMs)
  }

  #takePlaces(found: readonly unknown[], nowMs: number): void {
    const { platform, dialer, self } = this.#options
    const { places, dropped } = choosePlaces(found, {
      max: this.#settings.placesMax,
      isHeld: (address) => this.#known.has(address),
      isOurs: (address) => self.addresses.some((own) => own === address || own.startsWith(`${address}/p2p/`)),
      pick: (below) => platform.random.int(below),
    })
    this.#counts.dropped += dropped
    for (const { address, region } of places) {
      const known = this.#known.get(address)
      if (known === undefined) {
        this.#quiet = 0
        this.#makeRoom(nowMs)
        this.#known.set(address, { region, seenMs: nowMs })
        dialer.offer(address)
      } else {
        known.region = region ?? known.region
        known.seenMs = nowMs
      }
    }
  }

  // An answer names at most `placesMax`; as many may wait to be forgotten, and then the oldest goes at once.
  #makeRoom(nowMs: number): void {
    if (this.#known.size < 2 * this.#settings.placesMax) return
    for (const [address, { seenMs }] of this.#known) {
      if (seenMs === nowMs) continue
      this.#drop(address)
      return
    }
  }

  #forget(nowMs: number): void {
    for (const [address, { seenMs }] of this.#known) {
      if (nowMs - seenMs >= this.#settings.forgetMs) this.#drop(address)
    }
  }

  #drop(address: string): void {
    this.#known.delete(address)
    this.#counts.forgotten += 1
    this.#quiet = 0
    if (!this.#isNamedElsewhere(this, address)) this.#options.dialer.withdraw(address)
  }

  #takeFailure(error: unknown): void {
    this.#counts.failures += 1
    this.#failed += 1
    const { code, message } = errorData(error)
    this.#failure = code === undefined ? message : `${code}: ${message}`
    // Once for each time that it begins to fail.
    if (this.#failed > 1) return
    const fields = { source: this.#source.name, failure: this.#failure }
    this.#options.platform.log.warn(fields, 'discovery fails, and is tried again')
  }
}
