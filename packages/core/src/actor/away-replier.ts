import { giveAway } from '../base/given-bytes.ts'
import type { KernelCounters } from './counters.ts'
import type { Replier } from './mailbox.ts'
import type { Pid } from './pid.ts'
import type { Failure, ReplyResult, Signal } from './signal.ts'

/** What an answer that leaves the thread needs of the kernel that it leaves. */
export interface AwayReplierHost {
  readonly counters: KernelCounters
  encodeFor(to: Pid, value: unknown, name: string): Uint8Array
  route(signal: Signal): void
}

/** The way back to a caller on another thread or node. Takes one answer; later ones are dropped and counted. */
export class AwayReplier implements Replier {
  readonly #host: AwayReplierHost
  readonly #to: Pid
  readonly #ref: number
  #open = true

  constructor(host: AwayReplierHost, to: Pid, ref: number) {
    this.#host = host
    this.#to = to
    this.#ref = ref
  }

  reply(value: unknown): void {
    let encoded: Uint8Array
    try {
      encoded = this.#host.encodeFor(this.#to, value, 'result')
    } catch (error) {
      this.#send({ ok: false, failure: unencodableFailure(error) })
      return
    }
    giveAway(encoded)
    this.#send({ ok: true, value: encoded, encoded: true })
  }

  fail(failure: Failure): void {
    this.#send({ ok: false, failure })
  }

  #send(result: ReplyResult): void {
    if (!this.#open) {
      this.#host.counters.lateReplies += 1
      return
    }
    this.#open = false
    this.#host.route({ type: 'reply', to: this.#to, ref: this.#ref, result })
  }
}

export function unencodableFailure(error: unknown): Failure {
  const message = error instanceof Error ? error.message : String(error)
  return { code: 'ERR_NOT_ENCODABLE', outcome: 'ran', message }
}
