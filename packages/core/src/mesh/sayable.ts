import { textBytes } from './byte-writer.ts'
import type { NodeLoad } from './heartbeat.ts'
import { greetingLimits } from './link-message.ts'

/** The addresses that fit into a greeting. */
export function sayable(addresses: readonly string[]): string[] {
  const short = addresses.filter((address) => textBytes(address) <= greetingLimits.addressBytes)
  return short.slice(0, greetingLimits.addresses)
}

/** A load as a heartbeat can say it. */
export function sayableLoad({ load, inFlight }: NodeLoad): NodeLoad {
  return {
    load: Number.isFinite(load) ? Math.min(1, Math.max(0, load)) : 0,
    inFlight: Math.min(0xffff_ffff, Math.max(0, Math.trunc(inFlight))),
  }
}
