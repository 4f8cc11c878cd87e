import { CallError } from '../actor/errors.ts'
import type { Kernel } from '../actor/kernel.ts'
import { actorName } from '../actor/pid.ts'
import type { Replicated, ReplicaServices } from '../actor/remote-replica.ts'
import type { RemoteOwner, RemoteServices } from '../actor/remote-verbs.ts'
import { errorFromData } from '../base/error-data.ts'
import { isToken, tokenCharsMax } from './causal-token.ts'
import { ReplicaError } from './replica-errors.ts'
import { replicaServerName } from './replica-server.ts'
import type { ReplicaAnswer } from './replica-watch.ts'
import type { TokenOptions } from './causal-token.ts'

const timeoutMsDefault = 5_000
const timeoutMsMax = 2 ** 31 - 1
// The server says that it is late; this call only ends if it can't.
const slackMs = 1_000

/** Read-your-writes from one thread: the node's watcher of the replica is asked by call. */
export function createRpcReplica(kernel: Kernel, remote: RemoteServices): ReplicaServices {
  return {
    async callAndWait(owner, target, procedure, input, options) {
      const { replicaTimeoutMs, ...callOptions } = options
      if (kernel.names.whereis(replicaServerName) === undefined) throw noReplica()
      let token: string | undefined
      const onToken = (given: string): void => {
        token = given
      }
      const asked: TokenOptions = { ...callOptions, onToken }
      const value = await remote.callRegion(owner, target, procedure, input, asked)
      if (token === undefined) return { value, token, replicated: true }
      const written = { value, token, replicated: false }
      return { ...written, replicated: await caughtUp(owner, token, replicaTimeoutMs, written) }
    },
    caughtUp: (owner, token, timeoutMs) => caughtUp(owner, token, timeoutMs, undefined),
  }

  async function caughtUp(
    owner: RemoteOwner,
    token: string,
    timeoutMs: number = timeoutMsDefault,
    written: Replicated<unknown> | undefined,
  ): Promise<boolean> {
    if (!isToken(token)) {
      throw new ReplicaError('ERR_BAD_TOKEN', `A token is a text of 1 to ${tokenCharsMax} characters`, { written })
    }
    const ownerLeftMs = (owner.deadlineMs ?? Infinity) - kernel.platform.clock.monotonic()
    const waitMs = Math.max(0, Math.min(timeoutMs, ownerLeftMs, timeoutMsMax - slackMs))
    let answer: ReplicaAnswer
    try {
      const watcher = actorName(replicaServerName)
      answer = (await kernel.call(owner, watcher, 'caughtUp', [token, waitMs], waitMs + slackMs)) as ReplicaAnswer
    } catch (error) {
      if (!(error instanceof CallError)) throw error
      answer = answerOf(error, written)
    }
    if (answer === 'reached' || answer === 'late') return answer === 'reached'
    if (answer === 'noReplica') throw noReplica(written)
    if (answer === 'full') throw new ReplicaError('ERR_OVERLOADED', 'Too many wait for the replica', { written })
    const cause = errorFromData(answer.failed)
    throw new ReplicaError('ERR_REPLICA_FAILED', `The replica could not be asked: ${cause.message}`, { cause, written })
  }
}

function answerOf(error: CallError, written: Replicated<unknown> | undefined): ReplicaAnswer {
  if (error.code === 'ERR_CALL_TIMEOUT') return 'late'
  if (error.code === 'ERR_NOPROC') return 'noReplica'
  const isStop = error.code === 'ERR_CALLEE_EXITED' && error.reason === 'shutdown'
  const code = isStop ? 'ERR_NODE_STOPPED' : error.code === 'ERR_MAILBOX_FULL' ? 'ERR_OVERLOADED' : 'ERR_REPLICA_FAILED'
  throw new ReplicaError(code, 'The watcher of the replica ended, or could not be asked', { cause: error, written })
}

function noReplica(written?: Replicated<unknown>): ReplicaError {
  return new ReplicaError('ERR_NO_REPLICA', 'This node watches no replica: give `replica` to startNode', { written })
}
