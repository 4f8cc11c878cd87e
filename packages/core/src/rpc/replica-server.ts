import type { Behavior } from '../actor/behavior.ts'
import { errorData } from '../base/error-data.ts'
import { genServer } from '../otp/gen-server.ts'
import { type Replica, type ReplicaAnswer, ReplicaWatch } from './replica-watch.ts'

export const replicaServerName = 'system.Replica'

interface ReplicaServerState {
  readonly watch: ReplicaWatch
  /** What ends each wait without an answer, by the caller's name for it. */
  readonly waits: Map<string, () => void>
}

/** Answers those who wait for the local replica. Its end is told to all of them. */
export function replicaServer(replica: Replica): Behavior {
  return genServer({
    name: 'Replica',
    init(ctx): ReplicaServerState {
      const threw = (thrown: unknown): void =>
        ctx.log.error({ err: errorData(thrown) }, 'the replica threw when nobody listened to its progress any more')
      const watch = new ReplicaWatch(replica, ctx.clock, { threw })
      // However it ends, the replica is left in peace.
      ctx.signal.addEventListener('abort', () => watch.stop(), { once: true })
      return { watch, waits: new Map() }
    },
    call: {
      caughtUp(ctx, wait: string, token: string, timeoutMs: number) {
        const { watch, waits } = ctx.state
        const deferred = ctx.defer<ReplicaAnswer>()
        let isOver = false
        const leave = watch.wait(token, timeoutMs, (answer) => {
          isOver = true
          waits.delete(wait)
          deferred.reply(answer)
        })
        if (isOver) return deferred
        waits.set(wait, () => {
          leave()
          deferred.reply('late')
        })
        return deferred
      },
    },
    cast: {
      /** Nobody waits there any more. */
      left(ctx, wait: string) {
        const { waits } = ctx.state
        waits.get(wait)?.()
        waits.delete(wait)
      },
    },
  })
}
