import type { Pid } from '../actor/pid.ts'
import { type Deferred, deferred } from '../base/deferred.ts'
import { type ErrorData, errorFromData } from '../base/error-data.ts'
import type { NameRequest } from './thread-message.ts'

/**
 * What a thread that is not main knows of its actors' names, which main owns: what it asked main for, and of whose end main must hear, as
 * only then their names are free. An actor that asked is one of them, whatever the answer. How many ask at a time their callers bound.
 */
export class ThreadNames {
  readonly #send: (request: NameRequest) => void
  readonly #asked = new Map<number, Deferred<void>>()
  /** The serials of those that have, or asked for, a name. */
  readonly #named = new Set<number>()

  constructor(send: (request: NameRequest) => void) {
    this.#send = send
  }

  /** It was started here with a name that main gave it already. */
  placed(serial: number): void {
    this.#named.add(serial)
  }

  /** Settles as main answers. `isOwn`: the actor is of this thread. */
  ask(request: Omit<NameRequest, 'type'>, isOwn: boolean): Promise<void> {
    const answer = deferred<void>()
    this.#asked.set(request.ref, answer)
    if (isOwn) this.#named.add(request.pid.serial)
    this.#send({ type: 'register', ...request })
    return answer.promise
  }

  answered(ref: number, error: ErrorData | undefined): void {
    const answer = this.#asked.get(ref)
    this.#asked.delete(ref)
    if (error === undefined) answer?.resolve()
    else answer?.reject(errorFromData(error))
  }

  /** An actor of this thread ended. `true`: main must hear of it. */
  ended({ serial }: Pid): boolean {
    return this.#named.delete(serial)
  }
}
