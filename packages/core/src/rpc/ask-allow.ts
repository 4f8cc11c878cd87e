import type { Kernel } from '../actor/kernel.ts'
import type { NodeId } from '../actor/pid.ts'
import type { Failure } from '../actor/signal.ts'
import { errorData } from '../base/error-data.ts'
import type { Allow, Caller } from './caller.ts'

/** Who asks for what, and how long the answer may take. */
export interface AllowQuestion {
  readonly procedure: string
  readonly caller: Caller
  readonly timeLeftMs: number
}

/** What `allow` says: `false` also when it throws or says anything but `true`; `undefined` when it took all of the call's time. */
export function askAllow(
  { limitedLog, platform: { clock } }: Pick<Kernel, 'limitedLog' | 'platform'>,
  { procedure, caller, timeLeftMs }: AllowQuestion,
  allow: Allow,
): boolean | Promise<boolean | undefined> {
  const failed = (thrown: unknown): false => {
    limitedLog.error({ peer: caller.node, procedure, err: errorData(thrown) }, 'an `allow` failed; the call is refused')
    return false
  }
  // Only `true` is: what an app without types says may be anything.
  let answer: unknown
  try {
    answer = allow({ caller })
  } catch (thrown) {
    return failed(thrown)
  }
  if (!(answer instanceof Promise)) return answer === true
  return new Promise((resolve) => {
    const timer = clock.after(timeLeftMs, () => resolve(undefined))
    void answer.catch(failed).then((isAllowed: unknown) => {
      timer.cancel()
      resolve(isAllowed === true)
    })
  })
}

export function notAllowed(node: NodeId): Failure {
  return { code: 'ERR_NOT_ALLOWED', outcome: 'not-run', message: `The procedure does not allow ${node}` }
}

export const tooLate: Failure = {
  code: 'ERR_RPC_TIMEOUT',
  outcome: 'not-run',
  message: 'Its time was up before it was begun',
}
