import { errorData } from '../base/error-data.ts'
import { CodecError } from '../codec/errors.ts'
import type { Platform } from '../platform/platform.ts'
import type { Replier } from './mailbox.ts'
import type { CastSignal, MessageSignal } from './signal.ts'

/** One who hands something to an actor of the same thread, or is handed it. Plain code is nobody's system. */
export interface Party {
  readonly system?: boolean
  readonly takesCode?: boolean
}

/**
 * The platform's way to hand something over between these two, where it has one and neither is one of the node's own
 * actors, which trust each other, and the receiver takes no code, which can't be copied.
 */
export function handOverBetween(platform: Platform, from: Party, to: Party): ((value: unknown) => unknown) | undefined {
  if (platform.handOver === undefined || from.system === true || to.system === true) return undefined
  if (to.takesCode === true) return undefined
  return (value) => platform.handOver?.(value)
}

/** What the receiver gets. Throws `ERR_NOT_ENCODABLE`, as the codec does for another thread. */
export function handedOver(handOver: (value: unknown) => unknown, value: unknown, name: string): unknown {
  try {
    return handOver(value)
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new CodecError('ERR_NOT_ENCODABLE', `${name} can't be handed over: ${why}`, { cause, path: name })
  }
}

/** A message or cast as its receiver gets it. Throws as {@link handedOver} does. */
export function handedSignal(
  platform: Platform,
  from: Party,
  to: Party,
  signal: MessageSignal | CastSignal,
): MessageSignal | CastSignal {
  const handOver = handOverBetween(platform, from, to)
  if (handOver === undefined) return signal
  return signal.type === 'message'
    ? { ...signal, message: handedOver(handOver, signal.message, 'message') }
    : { ...signal, args: handedOver(handOver, signal.args, 'args') }
}

/** The way back to a caller, over which the answer is handed over too. */
export function handingReplier(handOver: (value: unknown) => unknown, replier: Replier): Replier {
  return {
    reply(value) {
      let handed: unknown
      try {
        handed = handedOver(handOver, value, 'result')
      } catch (error) {
        const { message } = errorData(error)
        replier.fail({ code: 'ERR_NOT_ENCODABLE', outcome: 'ran', message })
        return
      }
      replier.reply(handed)
    },
    fail: (failure) => replier.fail(failure),
  }
}
