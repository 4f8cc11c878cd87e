import type { EventFacts, Unit } from '../kernel/sim-kernel-contract.ts'
import { digestOf } from './digest.ts'
import type { SimPath } from './sim-path.ts'
import { drop, FrameFacts, type Machine, simLanes, type Wire } from './wire.ts'

/** One end of a connection, as the pipes see it. */
export interface PipeEnd {
  readonly machine: Machine
  readonly unit: Unit
  /** Its life has crashed: it hears nothing, and its machine may say so. */
  readonly isDead: boolean
  /** It has forgotten the connection, and what is sent to it vanishes. */
  readonly isDeaf: boolean
  receive(lane: number, frame: Uint8Array): void
  /** The connection broke, and this end notices now. */
  lost(reason: string): void
}

interface Waiting {
  readonly lane: number
  readonly bytes: number
  readonly run: () => void
  readonly facts: EventFacts
}

// In place of a lane: comes after all that was sent before, on any lane, and before all that is sent later.
const everyLane = -1
const controlBytes = 64

/**
 * One direction of a connection. Frames arrive whole, once, and in order on their lane. Whether something passes is
 * decided when it departs: what is under way while a path is cut still arrives; what departs then waits here, and goes
 * on after the cut, when TCP would have tried again. What waits is bounded by the lanes' own bounds.
 */
export class SimPipe {
  readonly #wire: Wire
  readonly #sender: PipeEnd
  readonly #receiver: PipeEnd
  readonly #path: SimPath
  readonly #pathBack: SimPath
  readonly #lastUs = new Array<number>(simLanes).fill(0)
  /** Until when the frames before take the bandwidth. May lie between two microseconds. */
  #busyUntilUs = 0
  /** Nothing departs before: the first try after a cut. */
  #openAtUs = 0
  /** What a cut path or a hold keeps back, in the order of sending. */
  #waiting: Waiting[] = []
  /** Since when TCP tries in vain; `undefined` while the path is not known to be cut. */
  #cutSinceUs: number | undefined
  /** Since when the receiver's machine owes an answer to something sent to a dead life. */
  #unansweredSinceUs: number | undefined
  #isResetUnderWay = false

  constructor(wire: Wire, sender: PipeEnd, receiver: PipeEnd) {
    this.#wire = wire
    this.#sender = sender
    this.#receiver = receiver
    this.#path = wire.path(sender.machine, receiver.machine)
    this.#pathBack = wire.path(receiver.machine, sender.machine)
  }

  sendFrame(lane: number, frame: Uint8Array): void {
    const wire = this.#wire
    const receiver = this.#receiver
    const digest = digestOf(frame)
    wire.counters.framesSent += 1
    const cause = wire.kernel.note(
      this.#sender.unit,
      'send',
      new FrameFacts(wire, receiver.machine.name, frame, digest),
    )
    const facts = new FrameFacts(wire, this.#sender.machine.name, frame, digest, cause)
    this.#depart(lane, frame.byteLength + controlBytes, () => receiver.receive(lane, frame), facts)
  }

  /** Sends what belongs to the connection itself, behind everything sent before. */
  sendControl(label: string, run: () => void): void {
    this.#depart(everyLane, controlBytes, run, this.#noteControl(label))
  }

  /** The state of a path or a node changed: what waited may go on, or be answered. */
  changed(): void {
    if (this.#unansweredSinceUs !== undefined) this.#answerForDead(this.#unansweredSinceUs)
    if (this.#waiting.length === 0 || this.#path.isCut) return
    if (this.#cutSinceUs !== undefined) this.#openAtUs = this.#path.retryAtUs(this.#cutSinceUs)
    this.#cutSinceUs = undefined
    const waiting = this.#waiting
    this.#waiting = []
    for (const one of waiting) {
      if (this.#isHeld(one.lane, one.facts)) this.#waiting.push(one)
      else this.#fly(one.lane, one.bytes, one.run, one.facts)
    }
  }

  /** What was under way to the receiver, or waited, is never acknowledged, so the sender's machine tries it again. */
  receiverCrashed(): void {
    const { nowUs } = this.#wire.kernel
    const isOwed = this.#waiting.length > 0 || Math.max(...this.#lastUs) > nowUs
    if (isOwed) this.#unansweredSinceUs ??= this.#cutSinceUs ?? nowUs
    this.#dropWaiting('dead')
  }

  /** What waited is gone with the sender. Its machine, unless that is gone too, tells the receiver, once. */
  senderCrashed(silent: boolean): void {
    this.#dropWaiting('dead')
    if (silent || this.#receiver.isDead || this.#receiver.isDeaf) return
    const facts = this.#noteControl('reset')
    if (this.#path.isCut) drop(this.#wire, this.#sender.unit, this.#receiver.machine.name, 'cut')
    else this.#fly(everyLane, controlBytes, () => this.#receiver.lost('reset'), facts)
  }

  #depart(lane: number, bytes: number, run: () => void, facts: EventFacts): void {
    if (this.#receiver.isDeaf) {
      this.#drop('broken')
    } else if (this.#receiver.isDead) {
      this.#drop('dead')
      this.#unansweredSinceUs ??= this.#wire.kernel.nowUs
      this.#answerForDead(this.#unansweredSinceUs)
    } else if (this.#path.isCut || this.#isHeld(lane, facts)) {
      if (this.#path.isCut) this.#cutSinceUs ??= this.#wire.kernel.nowUs
      this.#wire.counters.held += 1
      this.#waiting.push({ lane, bytes, run, facts })
    } else {
      this.#fly(lane, bytes, run, facts)
    }
  }

  #fly(lane: number, bytes: number, run: () => void, facts: EventFacts): void {
    const { kernel, bytesPerUs } = this.#wire
    const last = this.#lastUs
    this.#busyUntilUs = Math.max(kernel.nowUs, this.#openAtUs, this.#busyUntilUs) + bytes / bytesPerUs
    let atUs = Math.ceil(this.#busyUntilUs) + this.#path.streamUs()
    if (lane === everyLane) {
      atUs = Math.max(atUs, ...last)
      last.fill(atUs)
    } else {
      atUs = Math.max(atUs, last[lane] as number)
      last[lane] = atUs
    }
    kernel.schedule(this.#receiver.unit, atUs, 'recv', run, facts)
  }

  /** Whether a rule keeps it back, or something before it that must arrive first. */
  #isHeld(lane: number, facts: EventFacts): boolean {
    if (this.#waiting.length > 0) {
      const mayOvertake = (one: Waiting): boolean => one.lane !== lane && one.lane !== everyLane && lane !== everyLane
      if (!this.#waiting.every(mayOvertake)) return true
    }
    // The connection's own messages only wait their turn.
    if (this.#wire.holds.size === 0 || lane === everyLane) return false
    const caption = facts.msg?.() ?? ''
    const [from, to] = [this.#sender.machine.name, this.#receiver.machine.name]
    return [...this.#wire.holds].some((hold) => hold.from.has(from) && hold.to.has(to) && hold.fits(caption))
  }

  /** The machine of a dead life knows no such connection, and says so as soon as it runs and hears of it. */
  #answerForDead(sinceUs: number): void {
    const { kernel } = this.#wire
    const sender = this.#sender
    const { machine } = this.#receiver
    if (this.#isResetUnderWay || !machine.answers || this.#path.isCut || this.#pathBack.isCut) return
    this.#isResetUnderWay = true
    const fromUs = sinceUs === kernel.nowUs ? sinceUs : this.#path.retryAtUs(sinceUs)
    const atUs = fromUs + this.#path.streamUs() + this.#pathBack.streamUs()
    kernel.schedule(sender.unit, atUs, 'recv', () => sender.lost('reset'), { peer: machine.name, msg: () => 'reset' })
  }

  #noteControl(label: string): EventFacts {
    const msg = (): string => label
    const facts = { peer: this.#receiver.machine.name, msg, digest: label.length }
    const cause = this.#wire.kernel.note(this.#sender.unit, 'send', facts)
    return { peer: this.#sender.machine.name, msg, digest: label.length, cause }
  }

  #dropWaiting(why: 'dead'): void {
    for (let left = this.#waiting.length; left > 0; left -= 1) this.#drop(why)
    this.#waiting = []
  }

  #drop(why: 'dead' | 'broken'): void {
    drop(this.#wire, this.#sender.unit, this.#receiver.machine.name, why)
  }
}
