import { Actor } from '../actor/actor.ts'
import { letterBytes, type LetterSignal } from '../actor/held-letter.ts'
import type { Kernel } from '../actor/kernel.ts'
import { formatPid, type NodeId } from '../actor/pid.ts'
import type { CancelSignal, Failure, ReplySignal, Signal, SpawnSignal } from '../actor/signal.ts'
import { type HeldBytes, uncountedBytesMax } from '../base/held-bytes.ts'
import { SentOut } from './sent-out.ts'
import { isJudgedByItsTarget } from './signal-kinds.ts'

export interface ForeignSignalsOptions {
  readonly kernel: Kernel
  /** What the letters of peers count that wait for this node's actors, and may count. */
  readonly letters: HeldBytes
  /** Peers may send signals to every actor of the app. */
  readonly isOpenToMembers: boolean
  /** Carries a signal that came from another node to this node's threads. */
  readonly deliver: (signal: Signal) => void
  /** Takes requests to run procedures here. */
  readonly inbox: (signal: SpawnSignal | CancelSignal) => void
}

/**
 * What becomes of the signals that peers send: whom they reach, and how much of them may wait here. An actor takes them once its Pid was
 * sent to another node, or if it is for all members; one of the node's own takes none. What is refused is answered as if nobody were there,
 * and counted.
 */
export class ForeignSignals {
  readonly #options: ForeignSignalsOptions
  readonly #sentOut = new SentOut()

  constructor(options: ForeignSignalsOptions) {
    this.#options = options
    options.kernel.onSentOut = (pid) => this.#sentOut.add(pid)
  }

  /** The thread is gone, and with it all its actors that were sent out. */
  threadLost(thread: number): void {
    this.#sentOut.threadLost(thread)
  }

  /** That node says it: all that comes from others comes this way. */
  take(node: NodeId, signal: Signal): void {
    if (signal.type === 'spawn' || signal.type === 'cancel') this.#options.inbox(signal)
    else if (signal.type === 'reply' && signal.ref === 0) this.#takeAnswer(node, signal)
    else if (this.#isOpen(signal)) this.#deliver(node, signal)
    else this.#refuse(signal)
  }

  /** To a call by region, mostly of this thread: found once, and not once to be judged and once more to be delivered. */
  #takeAnswer(node: NodeId, signal: ReplySignal): void {
    const entity = signal.to.thread === 0 ? this.#options.kernel.entity(signal.to) : undefined
    if (entity !== undefined && !(entity instanceof Actor)) entity.deliver(signal)
    else if (this.#isOpen(signal)) this.#deliver(node, signal)
    else this.#refuse(signal)
  }

  /** A letter that counts is held of its node until it leaves its mailbox, on whatever thread. */
  #deliver(node: NodeId, signal: Signal): void {
    const { deliver, letters } = this.#options
    const bytes = letterBytes(signal)
    if (bytes <= uncountedBytesMax) {
      deliver(signal)
      return
    }
    if (!letters.take(node, bytes)) {
      this.#refuseLetter(signal as LetterSignal)
      return
    }
    deliver({ ...(signal as LetterSignal), held: { node, bytes } })
    // By now who has it counts it.
    letters.giveBack(node, bytes)
  }

  #refuseLetter(signal: LetterSignal): void {
    const { kernel } = this.#options
    if (signal.type !== 'call') {
      kernel.counters.mailboxDrops += 1
      return
    }
    kernel.counters.mailboxRefusals += 1
    const message = 'The node holds as many bytes of messages of its peer, or of all, as it may'
    const failure: Failure = { code: 'ERR_MAILBOX_FULL', outcome: 'not-run', message }
    kernel.route({ type: 'reply', to: signal.from, ref: signal.ref, result: { ok: false, failure } })
  }

  /** Whether a peer may send this. What its target judges itself may come for whomever it is. */
  #isOpen(signal: Signal): boolean {
    const { kernel, isOpenToMembers } = this.#options
    const { to } = signal
    const entity = to.thread === 0 ? kernel.entity(to) : undefined
    if (entity instanceof Actor && entity.system) return false
    if (isOpenToMembers || isJudgedByItsTarget(signal)) return true
    return to.thread === 0 ? entity === undefined || entity.isSentOut !== false : this.#sentOut.has(to)
  }

  #refuse(signal: Signal): void {
    const { kernel } = this.#options
    kernel.counters.refusedSignals += 1
    kernel.platform.log.debug(
      { to: formatPid(signal.to), type: signal.type },
      'a signal from another node to an actor that is not for it was refused',
    )
    kernel.bounce(signal, 'noproc')
  }
}
