import type { Kernel } from '../kernel/sim-kernel-contract.ts'
import { type OneWay, sampleUs, slowed } from './latency.ts'
import type { PathCondition, PathConditions } from './path-conditions.ts'

export interface SimPathOptions {
  readonly kernel: Kernel
  readonly conditions: PathConditions
  readonly from: string
  readonly to: string
  readonly oneWay: OneWay
  readonly jitter: boolean
  /** The chance of being slow for the whole run. */
  readonly slowChance: number
}

// As of TCP on Linux: the first retransmission, and what the doubling ends at here.
const retryFirstUs = 200_000
const retryMaxUs = 8_000_000
/** So often in a row a frame is lost at most. */
const lossesMax = 5
// What one message may draw of one purpose: its losses, or as a datagram its fate.
const drawsPerMessage = 8
const reorderedTimes = 3

/**
 * The way from one node to another. Every draw is numbered by the messages of this path alone, so nothing that is
 * removed elsewhere changes them.
 */
export class SimPath {
  /** Half a median round trip, in microseconds, without what varies or is wrong. */
  readonly medianUs: number
  readonly #kernel: Kernel
  readonly #conditions: PathConditions
  readonly #from: string
  readonly #to: string
  readonly #jitter: boolean
  readonly #oneWay: OneWay
  #condition: PathCondition
  #version: number
  #messages = 0
  #datagrams = 0
  // Purposes are asked for when first needed: most pairs of a large cluster never talk.
  #latencyKey: number | undefined
  #lossKey: number | undefined
  #datagramKey: number | undefined

  constructor({ kernel, conditions, from, to, oneWay, jitter, slowChance }: SimPathOptions) {
    this.#kernel = kernel
    this.#conditions = conditions
    this.#from = from
    this.#to = to
    this.#jitter = jitter
    this.#oneWay = jitter && slowChance > 0 ? slowed(oneWay, slowChance, this.#draw(this.#key('slow'), 0)) : oneWay
    this.medianUs = oneWay.medianUs
    this.#version = conditions.version
    this.#condition = conditions.of(from, to)
  }

  get isCut(): boolean {
    return this.#now().isCut
  }

  /** How long the next frame of a stream takes; a loss shows as the time until it was sent again. */
  streamUs(): number {
    const n = this.#messages
    this.#messages += 1
    const { extraUs, loss } = this.#now()
    const us = extraUs + (this.#jitter ? sampleUs(this.#oneWay, this.#latencyDraw(n)) : this.#oneWay.medianUs)
    return loss === 0 ? us : us + this.#retriesUs(n, loss)
  }

  /** The number of the next datagram, by which the others ask for its fate. */
  nextDatagram(): number {
    this.#datagrams += 1
    return (this.#datagrams - 1) * drawsPerMessage
  }

  isLost(datagram: number): boolean {
    return this.#happens(this.#now().loss, datagram)
  }

  isDuplicated(datagram: number): boolean {
    return this.#happens(this.#now().duplicate, datagram + 1)
  }

  /** How long a datagram takes, or its copy. One that is reordered takes up to three times as long again. */
  datagramUs(datagram: number, copy: 0 | 1): number {
    const { extraUs, reorder } = this.#now()
    const { medianUs } = this.#oneWay
    const us = extraUs + (this.#jitter ? sampleUs(this.#oneWay, this.#datagramDraw(datagram + 2 + copy)) : medianUs)
    if (!this.#happens(reorder, datagram + 4 + copy)) return us
    return us + Math.trunc((medianUs * reorderedTimes * (this.#datagramDraw(datagram + 6 + copy) >>> 16)) / 65_536)
  }

  /** When what could not pass since `stuckUs` is sent again now that it can: retries back off, each twice the last. */
  retryAtUs(stuckUs: number): number {
    const { nowUs } = this.#kernel
    let waitUs = retryFirstUs + 2 * this.#oneWay.medianUs
    let atUs = stuckUs + waitUs
    while (atUs < nowUs) {
      waitUs = Math.min(2 * waitUs, retryMaxUs)
      atUs += waitUs
    }
    return atUs
  }

  #retriesUs(n: number, loss: number): number {
    this.#lossKey ??= this.#key('loss')
    let us = 0
    let waitUs = retryFirstUs + 2 * this.#oneWay.medianUs
    for (let times = 0; times < lossesMax; times += 1) {
      if (!isBelow(this.#draw(this.#lossKey, n * drawsPerMessage + times), loss)) return us
      us += waitUs
      waitUs *= 2
    }
    return us
  }

  #happens(chance: number, n: number): boolean {
    return chance > 0 && isBelow(this.#datagramDraw(n), chance)
  }

  #latencyDraw(n: number): number {
    this.#latencyKey ??= this.#key('latency')
    return this.#draw(this.#latencyKey, n)
  }

  #datagramDraw(n: number): number {
    this.#datagramKey ??= this.#key('datagram')
    return this.#draw(this.#datagramKey, n)
  }

  #draw(purpose: number, n: number): number {
    return this.#kernel.draw(purpose, n) >>> 0
  }

  #key(what: string): number {
    return this.#kernel.purpose(`${what}/${this.#from}/${this.#to}`)
  }

  #now(): PathCondition {
    if (this.#version !== this.#conditions.version) {
      this.#version = this.#conditions.version
      this.#condition = this.#conditions.of(this.#from, this.#to)
    }
    return this.#condition
  }
}

function isBelow(draw: number, chance: number): boolean {
  return draw < chance * 2 ** 32
}
