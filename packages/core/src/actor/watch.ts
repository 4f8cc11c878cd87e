import { isLost, type LostPeer } from './edges.ts'
import type { ExitReason } from './exit-reason.ts'
import type { Runtime } from './behavior.ts'
import type { Addressable } from './host.ts'
import { type Pid, samePid } from './pid.ts'
import type { Signal } from './signal.ts'

/**
 * Resolves when the actor ends, with its reason; at once with `noproc` if it has. It is a monitor of its own, so that a
 * supervisor can wait for a child inside a handler, where its mailbox is not read.
 */
export function watchExit(kernel: Runtime, target: Pid): Promise<ExitReason> {
  return new Promise((resolve) => {
    const watch = new Watch(kernel, target, resolve)
    kernel.add(watch)
    kernel.addEdge(target, watch)
    kernel.route({ type: 'monitor', from: watch.pid, to: target, ref: 0 })
  })
}

class Watch implements Addressable {
  readonly pid: Pid
  readonly #kernel: Runtime
  readonly #target: Pid
  readonly #resolve: (reason: ExitReason) => void

  constructor(kernel: Runtime, target: Pid, resolve: (reason: ExitReason) => void) {
    this.pid = kernel.allocatePid()
    this.#kernel = kernel
    this.#target = target
    this.#resolve = resolve
  }

  deliver(signal: Signal): void {
    // A peer may say that of its own actors only: what a node does at the end of its root is no business of others.
    if (signal.type === 'down' && samePid(signal.from, this.#target)) this.#end(signal.reason)
    else this.#kernel.counters.refusedSignals += 1
  }

  peerLost(lost: LostPeer, reason: (pid: Pid) => ExitReason): void {
    if (isLost(this.#target, lost)) this.#end(reason(this.#target))
  }

  #end(reason: ExitReason): void {
    this.#kernel.forget(this.pid)
    this.#kernel.removeEdge(this.#target, this)
    this.#resolve(reason)
  }
}
