import type { Attachment } from '../actor/attachments.ts'
import type { Kernel } from '../actor/kernel.ts'
import type { RemoteOwner } from '../actor/remote-verbs.ts'
import { RegionError } from '../region/errors.ts'
import type { TableListeners } from './table-listeners.ts'

export interface TableWait {
  readonly owner: RemoteOwner
  /** Asked now, and at each change of the table. */
  readonly condition: () => boolean
  /** Of what is waited for, for the error: "a node in region …". */
  readonly what: string
  readonly timeoutMs: number
  readonly signal?: AbortSignal | undefined
  /** The regions that are known, for the error. */
  readonly regions: () => readonly string[]
}

/**
 * Resolves when the condition is true. Rejects with `ERR_REGION_TIMEOUT`, naming the regions known, with `ERR_WAIT_ABORTED`, or
 * with `ERR_NODE_STOPPED` for plain code whose node stops. For an actor that ends it never settles.
 */
export function waitForTable(kernel: Kernel, listeners: TableListeners, wait: TableWait): Promise<void> {
  const { owner, condition, what, timeoutMs, signal, regions } = wait
  if (signal?.aborted === true) return Promise.reject(aborted(what, signal))
  if (condition()) return Promise.resolve()
  return new Promise<void>((resolve, reject) => {
    const stopListening = listeners.add(() => {
      // Of plain code, and told by the one who writes the table.
      try {
        if (condition()) settle(resolve)
      } catch (thrown) {
        fail(thrown)
      }
    })
    const timer = kernel.platform.clock.after(timeoutMs, () => {
      const known = regions().join(', ')
      const message = `Waited ${timeoutMs} ms for ${what}; the regions known are: ${known}`
      fail(new RegionError('ERR_REGION_TIMEOUT', message))
    })
    const attachment: Attachment = {
      ownerExited: () => fail(new RegionError('ERR_NODE_STOPPED', 'The node was stopped')),
    }
    owner.attach(attachment)
    const onAbort = (): void => fail(aborted(what, signal as AbortSignal))
    signal?.addEventListener('abort', onAbort, { once: true })

    function fail(error: unknown): void {
      settle(() => reject(error))
    }

    function settle(tell: () => void): void {
      stopListening()
      timer.cancel()
      owner.detach(attachment)
      signal?.removeEventListener('abort', onAbort)
      if (owner.alive) tell()
    }
  })
}

function aborted(what: string, { reason }: AbortSignal): RegionError {
  return new RegionError('ERR_WAIT_ABORTED', `The wait for ${what} was aborted`, { cause: reason as unknown })
}
