import type { Behavior } from '../actor/behavior.ts'
import { genServer } from '../otp/gen-server.ts'
import { type Replica, type ReplicaAnswer, ReplicaWatch } from './replica-watch.ts'

export const replicaServerName = 'system.Replica'

/** Answers those who wait for the local replica. Its end is told to all of them. */
export function replicaServer(replica: Replica): Behavior {
  return genServer({
    name: 'Replica',
    init(ctx): ReplicaWatch {
      const watch = new ReplicaWatch(replica, ctx.clock)
      // However it ends, the replica is left in peace.
      ctx.signal.addEventListener('abort', () => watch.stop(), { once: true })
      return watch
    },
    call: {
      caughtUp(ctx, token: string, timeoutMs: number) {
        const deferred = ctx.defer<ReplicaAnswer>()
        ctx.state.wait(token, timeoutMs, (answer) => deferred.reply(answer))
        return deferred
      },
    },
  })
}
