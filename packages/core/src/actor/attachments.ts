import type { ExitReason } from './exit-reason.ts'

/** Something that ends with its actor: a timer, a call to another region. It is attached to one at a time. */
export interface Attachment {
  /** Where it stands among those of its actor. Theirs to write. */
  attachedAt?: number | undefined
  ownerExited(reason: ExitReason): void
}

/**
 * What ends with one actor, in no order. A `Set` whose members come and go makes its table anew all the time, and each old
 * table keeps the next one alive, with all in it, until the whole heap is collected; here each costs a store.
 */
export class Attachments<T extends Attachment = Attachment> {
  readonly #members: T[] = []

  get size(): number {
    return this.#members.length
  }

  /** Adds what is not there yet. */
  add(attachment: T): void {
    if (this.#has(attachment)) return
    attachment.attachedAt = this.#members.length
    this.#members.push(attachment)
  }

  /** Whether it was there. */
  delete(attachment: T): boolean {
    if (!this.#has(attachment)) return false
    const at = attachment.attachedAt as number
    const last = this.#members.pop() as T
    if (last !== attachment) {
      this.#members[at] = last
      last.attachedAt = at
    }
    attachment.attachedAt = undefined
    return true
  }

  /** Those that are there now. */
  all(): T[] {
    return [...this.#members]
  }

  /** Tells each that is there now. */
  ownerExited(reason: ExitReason): void {
    for (const attachment of this.all()) attachment.ownerExited(reason)
  }

  #has(attachment: T): boolean {
    return attachment.attachedAt !== undefined && this.#members[attachment.attachedAt] === attachment
  }
}
