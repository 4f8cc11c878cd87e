import { type Attachment, Attachments } from '../actor/attachments.ts'
import type { RemoteOwner } from '../actor/remote-verbs.ts'
import type { Clock } from '../platform/clock.ts'

/** Whose the calls are that plain code makes and waits for: nobody's actor, so they end with the node. */
export class PlainOwner implements RemoteOwner {
  readonly alive = true
  readonly deadlineMs: undefined = undefined
  readonly #waited = new Attachments()
  #onNone: (() => void) | undefined

  attach(attachment: Attachment): void {
    this.#waited.add(attachment)
  }

  detach(attachment: Attachment): void {
    if (this.#waited.delete(attachment) && this.#waited.size === 0) this.#onNone?.()
  }

  /** Resolves when nothing is waited for, at the latest after `atMostMs`. */
  async whenNone(clock: Clock, atMostMs: number): Promise<void> {
    if (this.#waited.size === 0) return
    await new Promise<void>((resolve) => {
      const timer = clock.after(atMostMs, resolve)
      this.#onNone = () => {
        timer.cancel()
        resolve()
      }
    })
  }

  /** Ends all that is waited for. */
  end(): void {
    this.#waited.ownerExited('shutdown')
  }
}
