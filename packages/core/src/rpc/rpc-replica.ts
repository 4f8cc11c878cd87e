import { CallError } from '../actor/errors.ts'
import type { Kernel } from '../actor/kernel.ts'
import { plainCode } from '../actor/pending-call.ts'
import { actorName, formatPid, type Pid } from '../actor/pid.ts'
import type { Replicated, ReplicaServices } from '../actor/remote-replica.ts'
import type { RemoteOwner, RemoteServices, WaitOptions } from '../actor/remote-verbs.ts'
import { isToken, tokenCharsMax } from './causal-token.ts'
import { isCaughtUp, noReplica, type WaitEnd } from './replica-answer.ts'
import { ReplicaError } from './replica-errors.ts'
import { replicaServerName } from './replica-server.ts'
import type { ReplicaAnswer } from './replica-watch.ts'
import { checkSignal, checkTime, timeoutMsMax } from './rpc-options.ts'
import type { TokenOptions } from './causal-token.ts'

const timeoutMsDefault = 5_000
// The server says that it is late; this call only ends if it can't.
const slackMs = 1_000

/** Read-your-writes from one thread: the node's watcher of the replica is asked by call. */
export function createRpcReplica(kernel: Kernel, remote: RemoteServices): ReplicaServices {
  return {
    async callAndWait(owner, target, procedure, input, options) {
      const { replicaTimeoutMs, ...callOptions } = options
      const wait: WaitOptions = {
        ...(replicaTimeoutMs !== undefined && { timeoutMs: replicaTimeoutMs }),
        ...(options.signal !== undefined && { signal: options.signal }),
      }
      checkWait(wait, 'replicaTimeoutMs')
      if (kernel.names.whereis(replicaServerName) === undefined) throw noReplica()
      let token: string | undefined
      const onToken = (given: string): void => {
        token = given
      }
      const asked: TokenOptions = { ...callOptions, onToken }
      const value = await remote.callRegion(owner, target, procedure, input, asked)
      if (token === undefined) return { value, token, replicated: true }
      const written = { value, token, replicated: false }
      return { ...written, replicated: await caughtUp(owner, token, wait, written) }
    },
    async caughtUp(owner, token, options) {
      checkWait(options, 'timeoutMs')
      return await caughtUp(owner, token, options, undefined)
    },
  }

  async function caughtUp(
    owner: RemoteOwner,
    token: string,
    { timeoutMs = timeoutMsDefault, signal }: WaitOptions,
    written: Replicated<unknown> | undefined,
  ): Promise<boolean> {
    if (!isToken(token)) {
      throw new ReplicaError('ERR_BAD_TOKEN', `A token is a text of 1 to ${tokenCharsMax} characters`, { written })
    }
    const ownerLeftMs = (owner.deadlineMs ?? Infinity) - kernel.platform.clock.monotonic()
    const waitMs = Math.max(0, Math.min(timeoutMs, ownerLeftMs, timeoutMsMax - slackMs))
    return isCaughtUp(await ask(owner, token, waitMs, signal), written)
  }

  /** Asks the watcher, which is told when the caller is gone. */
  function ask(owner: RemoteOwner, token: string, waitMs: number, signal: AbortSignal | undefined): Promise<WaitEnd> {
    if (signal?.aborted === true) return Promise.resolve({ aborted: signal.reason })
    const wait = formatPid(kernel.allocatePid())
    return new Promise((resolve, reject) => {
      const left = (): void => {
        const to = kernel.names.whereis(replicaServerName)
        if (to !== undefined) tell(to, wait)
      }
      const aborted = (): void => {
        over()
        left()
        resolve({ aborted: signal?.reason })
      }
      // Plain code's waits end with the watcher, when its node stops.
      const attachment = owner.actor && { ownerExited: left }
      const over = (): void => {
        signal?.removeEventListener('abort', aborted)
        if (attachment !== undefined) owner.detach(attachment)
      }
      signal?.addEventListener('abort', aborted, { once: true })
      if (attachment !== undefined) owner.attach(attachment)
      const answered = kernel.call(owner, watcher, 'caughtUp', [wait, token, waitMs], waitMs + slackMs)
      answered.then(
        (answer) => (over(), resolve({ answer: answer as ReplicaAnswer })),
        (error: unknown) => (over(), error instanceof CallError ? resolve({ failed: error }) : reject(error)),
      )
    })
  }

  function tell(to: Pid, wait: string): void {
    const cast = { type: 'cast', to, name: 'left' } as const
    if (kernel.isLocal(to)) kernel.post(plainCode, { ...cast, args: [wait], encoded: false })
    else kernel.route({ ...cast, args: kernel.encodeFor(to, [wait], 'args'), encoded: true })
  }
}

const watcher = actorName(replicaServerName)

/** Throws for options that can't be: before anything is sent. */
function checkWait({ timeoutMs, signal }: WaitOptions, name: string): void {
  const wrong = (timeoutMs === 0 ? undefined : checkTime(name, timeoutMs)) ?? checkSignal(signal)
  if (wrong !== undefined) throw new ReplicaError('ERR_BAD_OPTIONS', wrong)
}
