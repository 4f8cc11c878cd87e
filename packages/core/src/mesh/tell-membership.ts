import type { Kernel } from '../actor/kernel.ts'
import type { MembershipEvent } from './membership-event.ts'
import { membershipServerName } from './membership-name.ts'

/** Tells this node's mesh actor. While it is being restarted nobody is told: its successor reads the links and what is announced itself. */
export function tellMembership(kernel: Kernel, event: MembershipEvent): void {
  const pid = kernel.names.whereis(membershipServerName)
  const actor = pid === undefined ? undefined : kernel.actor(pid)
  actor?.receive({ type: 'message', to: actor.pid, message: event, encoded: false })
}
