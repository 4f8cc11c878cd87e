import type { Clock, Timer } from '../platform/clock.ts'
import type { Actor } from './actor.ts'
import type { Attachment } from './attachments.ts'

/**
 * A timer of one life of an actor: it ends with it, so that nothing of that life happens later.
 *
 * @example
 * const timer = new ActorTimer(actor, clock, 1_000, () => remind())
 * timer.cancel()
 */
export class ActorTimer implements Attachment {
  attachedAt: number | undefined = undefined
  readonly #actor: Pick<Actor, 'attach' | 'detach'>
  readonly #timer: Timer

  constructor(actor: Pick<Actor, 'attach' | 'detach'>, clock: Clock, delayMs: number, run: () => void) {
    this.#actor = actor
    this.#timer = clock.after(delayMs, () => {
      actor.detach(this)
      run()
    })
    actor.attach(this)
  }

  /** Nothing once it has run, or its actor has ended. */
  cancel(): void {
    this.#timer.cancel()
    this.#actor.detach(this)
  }

  ownerExited(): void {
    this.#timer.cancel()
  }
}
