import type { ModuleMeta } from '../actor/behavior.ts'
import type { Context, MonitorRef } from '../actor/context.ts'
import { type ActorName, actorName, type Pid } from '../actor/pid.ts'
import { type ChildOptions, type ChildSpec, child } from '../otp/child-spec.ts'
import { SpecError } from '../otp/errors.ts'
import type { Behavior } from '../actor/behavior.ts'
import { type OfferedProcedure, procedure } from '../rpc/procedure.ts'
import { GroupsError } from './errors.ts'
import { type ProcessGroupsStats, type ScopeProtocol, scopeServer } from './scope.ts'
import { groupNameMax, isGroupName } from './scope-message.ts'

/** The memberships of one node when a scope names no bound of its own. */
const maxMembersDefault = 100_000

export interface ProcessGroupsOptions {
  /**
   * The memberships that one node may have in the scope, from 1. A `join` beyond is refused with `ERR_GROUPS_FULL`; of
   * another node that has more than this one takes, no members are shown, and an error is logged. Give all nodes the
   * same. Default 100,000.
   */
  readonly maxMembers?: number
  /** `import.meta`, for a scope that runs on another thread. */
  readonly module?: ModuleMeta
}

/** Who asks a scope: an actor by its context, or a node. */
export type GroupsCaller = Pick<Context, 'call'>

/** Who watches groups: an actor. */
export type GroupsWatcher = Pick<Context, 'self' | 'call' | 'monitor' | 'demonitor'>

/** One scope of process groups: what to start, what to offer, and what to ask it. */
export interface ProcessGroups {
  readonly name: string
  /** Its actor's name on each node, `groups.` and the name. */
  readonly scope: ActorName<ScopeProtocol>
  readonly behavior: Behavior<[], ScopeProtocol>
  /** Belongs in the app's `procedures`: by it the scopes of the nodes find each other. */
  readonly procedure: OfferedProcedure
  /** Belongs in the app's children, before those who use it. */
  child(options?: Omit<ChildOptions, 'register'>): ChildSpec
  /**
   * Adds actors of this node to a group, on whatever thread they run. One that joins k times is in it k times. They leave
   * by themselves when they end. Rejects with `ERR_NOT_LOCAL`, `ERR_GROUPS_FULL` or `ERR_BAD_GROUP`, and then none joined.
   */
  join(by: GroupsCaller, group: string, pids: Pid | readonly Pid[]): Promise<void>
  /** Takes each out once. `false` if none of them was in it: OTP's `not_joined`. */
  leave(by: GroupsCaller, group: string, pids: Pid | readonly Pid[]): Promise<boolean>
  /** The members on all nodes, as this node knows them; first those of this node. Empty for a group that nobody is in. */
  getMembers(by: GroupsCaller, group: string): Promise<readonly Pid[]>
  /** The members on this node. */
  getLocalMembers(by: GroupsCaller, group: string): Promise<readonly Pid[]>
  /** The groups that have members. */
  whichGroups(by: GroupsCaller): Promise<readonly string[]>
  /** The groups that have members on this node. */
  whichLocalGroups(by: GroupsCaller): Promise<readonly string[]>
  /**
   * The members now, and from now on a `GroupMessage` with this `ref` for whoever comes or goes. A `DOWN` with it says
   * that the scope ended, and the monitor with it. As any message one can be lost to a full mailbox, which is counted.
   * Rejects with `ERR_GROUPS_FULL` beyond 100,000 monitors, and with `ERR_BAD_GROUP`.
   */
  monitor(
    ctx: GroupsWatcher,
    group: string,
  ): Promise<{ readonly monitor: MonitorRef; readonly members: readonly Pid[] }>
  /** The same for all groups, those that there will be as well. */
  monitorScope(
    ctx: GroupsWatcher,
  ): Promise<{ readonly monitor: MonitorRef; readonly groups: ReadonlyMap<string, readonly Pid[]> }>
  /** Ends a monitor of a group or of the scope. `false` if there is none. Messages that have arrived stay. */
  demonitor(ctx: GroupsWatcher, monitor: MonitorRef): Promise<boolean>
  stats(by: GroupsCaller): Promise<ProcessGroupsStats>
}

/**
 * Named groups of actors over all nodes that run the scope: Erlang's `pg`. Each node tells the others of its own members.
 * A change is known here at once, there as soon as its news has come; what was lost on the way is noticed within 5 s and
 * sent again. Nodes that see each other come to agree; there is no order among the changes of different nodes, and two
 * nodes that see a third need not see each other. A scope that ends forgets its node's members, who have to join again.
 * Scopes know nothing of each other: a node may run several, under names of their own. Needs transports with frames of 64 KiB.
 *
 * @example
 * export const rooms = processGroups('rooms')
 * defineApp({ name: 'chat', children: [rooms.child(), …], procedures: [rooms.procedure] })
 * await rooms.join(ctx, 'lobby', ctx.self)
 * for (const pid of await rooms.getMembers(ctx, 'lobby')) ctx.send(pid, 'hello')
 */
export function processGroups(name: string, options: ProcessGroupsOptions = {}): ProcessGroups {
  const { maxMembers = maxMembersDefault, module } = options
  if (name === '' || name.length > 100) throw new SpecError('Process groups need a name of 1 to 100 characters')
  if (!Number.isSafeInteger(maxMembers) || maxMembers < 1) {
    throw new SpecError(`Process groups "${name}": maxMembers must be a whole number from 1`)
  }
  const scope = actorName<ScopeProtocol>(`groups.${name}`)
  const finder = procedure({
    name: `skerry.groups.${name}`,
    run: (ctx, _input: null): Pid | null => ctx.whereis(scope) ?? null,
  })
  const behavior = scopeServer({ name, module, maxMembers, finder })

  async function startMonitor(ctx: GroupsWatcher, group: string | undefined) {
    // Of the scope itself too, under the same number: so the watcher hears of its end.
    const monitor = ctx.monitor(scope)
    try {
      const found = await ctx.call(scope, 'monitor', [{ pid: ctx.self, ref: monitor.ref, group }])
      if (found !== 'full') return { monitor, found }
      throw new GroupsError('ERR_GROUPS_FULL', `The process groups "${name}" take no more monitors`)
    } catch (error) {
      ctx.demonitor(monitor, { flush: true })
      throw error
    }
  }

  return {
    name,
    scope,
    behavior,
    procedure: finder,
    child: (childOptions) => child(name, behavior, [], { ...childOptions, register: scope }),
    async join(by, group, pids) {
      const answer = await by.call(scope, 'join', [checkedGroup(group), listOf(pids)])
      if (answer === 'joined') return
      if (answer !== 'full') {
        const message = `An actor of ${answer.notLocal.node} can't join "${group}" from here: it joins on its own node`
        throw new GroupsError('ERR_NOT_LOCAL', message)
      }
      const message = `The process groups "${name}" have the ${maxMembers} memberships that a node may have`
      throw new GroupsError('ERR_GROUPS_FULL', message)
    },
    leave: async (by, group, pids) => by.call(scope, 'leave', [checkedGroup(group), listOf(pids)]),
    getMembers: (by, group) => by.call(scope, 'getMembers', [group]),
    getLocalMembers: (by, group) => by.call(scope, 'getLocalMembers', [group]),
    whichGroups: (by) => by.call(scope, 'whichGroups', []),
    whichLocalGroups: (by) => by.call(scope, 'whichLocalGroups', []),
    async monitor(ctx, group) {
      const { monitor, found } = await startMonitor(ctx, checkedGroup(group))
      return { monitor, members: found[0]?.pids ?? [] }
    },
    async monitorScope(ctx) {
      const { monitor, found } = await startMonitor(ctx, undefined)
      return { monitor, groups: new Map(found.map(({ group, pids }) => [group, pids])) }
    },
    async demonitor(ctx, monitor) {
      ctx.demonitor(monitor, { flush: true })
      return ctx.call(scope, 'demonitor', [ctx.self, monitor.ref])
    },
    stats: (by) => by.call(scope, 'stats', []),
  }
}

function checkedGroup(group: string): string {
  if (isGroupName(group)) return group
  throw new GroupsError('ERR_BAD_GROUP', `A group's name has 1 to ${groupNameMax} characters`)
}

function listOf(pids: Pid | readonly Pid[]): readonly Pid[] {
  return Array.isArray(pids) ? (pids as readonly Pid[]) : [pids as Pid]
}
