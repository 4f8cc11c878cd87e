import type { CallSignal, ReplySignal } from '../actor/signal.ts'

/** The answer to a call that a thread is too far behind to be given. */
export function refusalByThread(call: CallSignal): ReplySignal {
  const { from, ref, to } = call
  const message = `Thread ${to.thread} does not read its messages`
  return {
    type: 'reply',
    to: from,
    ref,
    result: { ok: false, failure: { code: 'ERR_MAILBOX_FULL', outcome: 'not-run', message } },
  }
}
