import type { Clock, Timer } from './clock.ts'
import type { Log } from './log.ts'

export interface LogLimits {
  /** The fields that name on whose account a line is written: the first that it has. Lines without any are all on one account. */
  readonly by: readonly string[]
  /** Lines with one message on one account, in a period. Default 8. */
  readonly perAccount?: number
  /** Lines with one message in a period, on all accounts. Default 64. */
  readonly inAll?: number
  /** Default 60,000: a minute, from the first line on. */
  readonly periodMs?: number
}

type Level = 'info' | 'warn' | 'error'

/** What was written of one message since its period began. */
interface Period {
  readonly level: Level
  readonly timer: Timer | undefined
  /** Lines by account: no more accounts than lines. */
  readonly accounts: Map<unknown, number>
  written: number
  leftOut: number
}

const perAccountDefault = 8
const inAllDefault = 64
const periodMsDefault = 60_000
// Beyond so many messages at a time the further ones share one period: messages are for people, and may have a peer's text in them.
const messagesMax = 64
const otherMessages = 'lines of other kinds'

/**
 * A log for what others can bring about as often as they like: of one message so many lines are written in a minute, on the account of
 * one of them and of all; how many were left out is written once, when the minute is over. What is said for debugging only passes as it is.
 *
 * Who has many accounts can use up the lines of one message: the counters tell what happened all the same.
 *
 * @example
 * const log = new LimitedLog(platform, { by: ['peer'] })
 * log.warn({ peer, why }, 'a peer was refused')
 * log.stop()
 */
export class LimitedLog implements Log {
  readonly #clock: Clock
  readonly #log: Log
  readonly #limits: Required<LogLimits>
  readonly #periods = new Map<string, Period>()
  #isStopped = false

  constructor({ clock, log }: { readonly clock: Clock; readonly log: Log }, limits: LogLimits) {
    this.#clock = clock
    this.#log = log
    const { by, perAccount = perAccountDefault, inAll = inAllDefault, periodMs = periodMsDefault } = limits
    this.#limits = { by, perAccount, inAll, periodMs }
  }

  debug(fields: object, message: string): void {
    this.#log.debug(fields, message)
  }

  info(fields: object, message: string): void {
    this.#write('info', fields, message)
  }

  warn(fields: object, message: string): void {
    this.#write('warn', fields, message)
  }

  error(fields: object, message: string): void {
    this.#write('error', fields, message)
  }

  /** Says what was left out until now. Later lines are limited too, and nothing is said of those that are left out. */
  stop(): void {
    this.#isStopped = true
    for (const [message, period] of this.#periods) this.#end(message, period)
  }

  #write(level: Level, fields: object, message: string): void {
    const { by, inAll, perAccount } = this.#limits
    const period = this.#periodOf(level, message)
    const name = by.find((one) => one in fields)
    const account = name === undefined ? undefined : (fields as Readonly<Record<string, unknown>>)[name]
    const ofAccount = period.accounts.get(account) ?? 0
    if (period.written >= inAll || ofAccount >= perAccount) {
      period.leftOut += 1
      return
    }
    period.written += 1
    period.accounts.set(account, ofAccount + 1)
    this.#log[level](fields, message)
  }

  #periodOf(level: Level, given: string): Period {
    const message = this.#periods.has(given) || this.#periods.size < messagesMax ? given : otherMessages
    const known = this.#periods.get(message)
    if (known !== undefined) return known
    const timer = this.#isStopped
      ? undefined
      : this.#clock.after(this.#limits.periodMs, () => this.#end(message, period))
    const period: Period = { level, timer, accounts: new Map(), written: 0, leftOut: 0 }
    this.#periods.set(message, period)
    return period
  }

  #end(message: string, { level, timer, leftOut }: Period): void {
    timer?.cancel()
    this.#periods.delete(message)
    if (leftOut > 0) this.#log[level]({ leftOut, periodMs: this.#limits.periodMs }, `${message}: lines were left out`)
  }
}
