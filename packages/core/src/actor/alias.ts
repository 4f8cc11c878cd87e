import type { Actor } from './actor.ts'
import type { Attachment } from './attachments.ts'
import type { Addressable, Host } from './host.ts'
import type { Pid } from './pid.ts'
import type { Signal } from './signal.ts'
import { answerUndeliverable } from './undeliverable.ts'

/** What an alias needs of its kernel. */
interface AliasHost extends Host {
  add(entity: Addressable): void
  forget(pid: Pid): void
}

/** One more address of an actor, for as long as it wants answers there: messages and casts pass, and nothing else. */
export class Alias implements Addressable, Attachment {
  readonly pid: Pid
  readonly actor: Actor
  isSentOut = false
  readonly #host: AliasHost

  constructor(host: AliasHost, actor: Actor, pid: Pid) {
    this.pid = pid
    this.actor = actor
    this.#host = host
    host.add(this)
    actor.attach(this)
  }

  deliver(signal: Signal): void {
    if (signal.type === 'message' || signal.type === 'cast') {
      this.actor.deliver(signal)
    } else {
      const answer = answerUndeliverable(signal, 'noproc')
      if (answer === undefined) this.#host.counters.refusedSignals += 1
      else this.#host.route(answer)
    }
  }

  /** From here on what is sent to it is dropped and counted. What is in the mailbox already stays. */
  release(): void {
    this.#host.forget(this.pid)
    this.actor.detach(this)
  }

  ownerExited(): void {
    this.#host.forget(this.pid)
  }

  peerLost(): void {
    // It holds nothing toward others.
  }
}
