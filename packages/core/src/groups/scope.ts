import type { Behavior, ModuleMeta } from '../actor/behavior.ts'
import type { DownMessage } from '../actor/mailbox.ts'
import type { Message, MonitorRef } from '../actor/context.ts'
import { formatPid, isPid, type NodeId, type Pid } from '../actor/pid.ts'
import type { ProcedureRef } from '../actor/remote-verbs.ts'
import { genServer, type InitContext, type ServerContext } from '../otp/gen-server.ts'
import { chance, knob, sometimes } from '../platform/property.ts'
import { type GroupChange, GroupMembers } from './group-members.ts'
import { type GroupMessage, type GroupMonitor, GroupMonitors } from './group-monitors.ts'
import { MemberLog, messagesOf } from './member-log.ts'
import { PeerView } from './peer-view.ts'
import {
  type Delta,
  isCount,
  isDeltas,
  isPart,
  isWant,
  type ScopeCasts,
  type SnapshotPart,
  type Want,
} from './scope-message.ts'

/** How often it looks for scopes that it does not know yet, in milliseconds. */
const discoverEveryMs = 1_000
/** How often it tells the others its version, in milliseconds: what was lost is noticed by then. */
const beatEveryMs = 5_000
/** The nodes that it asks for their scope at a time. */
const askingMax = 32
/** The scopes of other nodes that it takes; as many as the region table has nodes. */
const peersMax = 4_096
/** The monitors of groups and of the scope. */
const monitorsMax = 100_000
/** How often it looks until it says that no other node can find it. */
const unofferedLooksMax = 30

/** What a scope has at the moment, to be looked at. */
export interface ProcessGroupsStats {
  /** The scopes of other nodes that it hears from. */
  readonly scopes: number
  /** Memberships, of all nodes. */
  readonly members: number
  readonly localMembers: number
  readonly monitors: number
  /** How often it asked another scope, because changes were missing or it knew nothing yet. */
  readonly pulls: number
  /** Messages of other scopes that it could not read, or had no room for the sender of. They were dropped. */
  readonly refused: number
}

/** What `join` of a scope answers. */
export type Joining = 'joined' | 'full' | { readonly notLocal: Pid }

/** What can be asked of a scope. `ProcessGroups` has a typed verb for each. */
export interface ScopeProtocol {
  call: {
    join(group: string, pids: readonly Pid[]): Joining
    leave(group: string, pids: readonly Pid[]): boolean
    getMembers(group: string): readonly Pid[]
    getLocalMembers(group: string): readonly Pid[]
    whichGroups(): string[]
    whichLocalGroups(): string[]
    monitor(monitor: GroupMonitor): readonly GroupMembership[] | 'full'
    demonitor(pid: Pid, ref: number): boolean
    stats(): ProcessGroupsStats
  }
  cast: ScopeCasts & {
    /** The procedure of another node gave the address of its scope. */
    found(scope: Pid<ScopeProtocol>): void
    tick(): void
    /** The changes that came in one go are told in one go. */
    tell(): void
  }
}

export interface GroupMembership {
  readonly group: string
  readonly pids: readonly Pid[]
}

export interface ScopeOptions {
  readonly name: string
  readonly module: ModuleMeta | undefined
  readonly maxMembers: number
  /** Gives the address of a node's scope. */
  readonly finder: ProcedureRef<null, Pid | null>
}

type ScopePid = Pid<ScopeProtocol>

interface Peer {
  readonly pid: ScopePid
  readonly monitor: MonitorRef
  readonly view: PeerView
  isReported: boolean
}

/** An actor of this node that is in groups, or watches some: watched, as both end with it. */
interface Known {
  readonly monitor: MonitorRef
  readonly groups: Set<string>
}

interface State {
  readonly options: ScopeOptions
  readonly local: GroupMembers
  readonly log: MemberLog
  readonly known: Map<string, Known>
  readonly peers: Map<string, Peer>
  readonly monitors: GroupMonitors
  /** The members of all nodes, for groups that were asked for and did not change since. */
  readonly read: Map<string, readonly Pid[]>
  readonly asking: Set<NodeId>
  /** Changes of this node's members that the others were not told yet. */
  untold: Delta[]
  ticks: number
  pulls: number
  refused: number
}

type Scope = ServerContext<State>

/**
 * The actor that holds a scope's groups on one node. It tells the scopes of the other nodes of its own members, and holds
 * what they say of theirs: each node's part has one writer. It finds them by a procedure that all nodes of the scope offer,
 * and watches them: when one is lost, so are its members, until it is found again.
 */
export function scopeServer(options: ScopeOptions): Behavior<[], ScopeProtocol> {
  return genServer({
    ...(options.module !== undefined && { module: options.module }),
    name: options.name,
    // The scopes of other nodes find it by a procedure, but must reach it also where it has been forgotten that they did.
    remote: 'members',
    init: (ctx): State => {
      ctx.monitorNodes()
      keepTicking(ctx)
      return {
        options,
        local: new GroupMembers(),
        log: new MemberLog(),
        known: new Map(),
        peers: new Map(),
        monitors: new GroupMonitors(),
        read: new Map(),
        asking: new Set(),
        untold: [],
        ticks: 0,
        pulls: 0,
        refused: 0,
      }
    },
    call: {
      join: (ctx, group: string, pids: readonly Pid[]): Joining => join(ctx, group, pids),
      leave: (ctx, group: string, pids: readonly Pid[]): boolean => leave(ctx, group, pids).length > 0,
      getMembers: (ctx, group: string): readonly Pid[] => membersOf(ctx.state, group),
      getLocalMembers: (ctx, group: string): readonly Pid[] => ctx.state.local.pids(group),
      whichGroups: (ctx): string[] => groupsOf(ctx.state),
      whichLocalGroups: (ctx): string[] => [...ctx.state.local.groups()],
      monitor: (ctx, monitor: GroupMonitor): readonly GroupMembership[] | 'full' => {
        const { state } = ctx
        if (state.monitors.size >= monitorsMax) return 'full'
        watch(ctx, monitor.pid)
        state.monitors.add(monitor)
        const groups = monitor.group === undefined ? groupsOf(state) : [monitor.group]
        return groups.map((group) => ({ group, pids: membersOf(state, group) }))
      },
      demonitor: (ctx, pid: Pid, ref: number): boolean => {
        if (!ctx.state.monitors.remove(pid, ref)) return false
        unwatch(ctx, pid)
        return true
      },
      stats: (ctx): ProcessGroupsStats => statsOf(ctx.state),
    },
    cast: {
      tick: (ctx): void => tick(ctx),
      tell: (ctx): void => tell(ctx),
      found: (ctx, scope: ScopePid): void => {
        if (peerOf(ctx, scope) === undefined) ctx.state.refused += 1
      },
      beat: (ctx, from: ScopePid, version: number): void => {
        const peer = isCount(version) ? peerOf(ctx, from) : undefined
        if (peer === undefined) ctx.state.refused += 1
        else {
          peer.view.takeBeat(version)
          pull(ctx, peer)
        }
      },
      deltas: (ctx, from: ScopePid, deltas: readonly Delta[]): void => {
        const peer = isDeltas(deltas) ? peerOf(ctx, from) : undefined
        if (peer === undefined) ctx.state.refused += 1
        else took(ctx, peer, peer.view.takeDeltas(deltas))
      },
      part: (ctx, from: ScopePid, part: SnapshotPart): void => {
        const peer = isPart(part) ? peerOf(ctx, from) : undefined
        if (peer === undefined) ctx.state.refused += 1
        else took(ctx, peer, peer.view.takePart(part))
      },
      pull: (ctx, from: ScopePid, want: Want): void => {
        const peer = isWant(want) ? peerOf(ctx, from) : undefined
        if (peer === undefined) ctx.state.refused += 1
        else answerPull(ctx, peer.pid, want)
      },
    },
    info: (ctx, message) => {
      if (isDown(message)) down(ctx, message)
      else if (isNodeUp(message)) discover(ctx)
    },
  })
}

/** By the clock and not by a chain of messages, which a full mailbox would break. */
function keepTicking(ctx: InitContext): void {
  const again = (): void => {
    timer = ctx.clock.after(discoverEveryMs, again)
    ctx.cast(ctx.self as ScopePid, 'tick', [])
  }
  let timer = ctx.clock.after(0, again)
  ctx.signal.addEventListener('abort', () => timer.cancel(), { once: true })
}

// --- this node's members ---

function join(ctx: Scope, group: string, pids: readonly Pid[]): Joining {
  const { local, options } = ctx.state
  const stranger = pids.find(({ node, life }) => node !== ctx.node || life !== ctx.self.life)
  if (stranger !== undefined) return { notLocal: stranger }
  if (local.size + pids.length > options.maxMembers) return 'full'
  for (const pid of pids) {
    watch(ctx, pid).groups.add(group)
    // Other scopes hear of it in a form of ours, and their actors may send to it.
    ctx.sendOut(pid)
    local.add(group, pid)
  }
  announce(ctx, { type: 'join', group, pids })
  return 'joined'
}

/** Gives those that were in it. */
function leave(ctx: Scope, group: string, pids: readonly Pid[]): readonly Pid[] {
  const { local, known } = ctx.state
  const left = pids.filter((pid) => local.remove(group, pid) > 0)
  for (const pid of left) {
    if (local.timesOf(group, pid) > 0) continue
    known.get(formatPid(pid))?.groups.delete(group)
    unwatch(ctx, pid)
  }
  announce(ctx, { type: 'leave', group, pids: left })
  return left
}

/** Tells the other nodes, behind what has come by now, and who watches here. */
function announce(ctx: Scope, change: GroupChange): void {
  const { state } = ctx
  const isFirst = state.untold.length === 0
  for (const delta of state.log.record(change.type, change.group, change.pids)) state.untold.push(delta)
  // One message to each node for all changes that wait in the mailbox now, so that a crowd of joins costs the mesh as much
  // as one. Should it find that full, the next tick tells.
  if (isFirst && state.untold.length > 0) ctx.cast(ctx.self as ScopePid, 'tell', [])
  changed(ctx, change)
}

function tell(ctx: Scope): void {
  const { state } = ctx
  if (state.untold.length === 0) return
  const messages = messagesOf(state.untold)
  state.untold = []
  for (const { pid } of state.peers.values()) {
    for (const deltas of messages) {
      // As to a full mailbox or a full backlog.
      if (!chance('skerry/lose a change of a group')) ctx.cast(pid, 'deltas', [ctx.self, deltas])
    }
  }
}

function watch(ctx: Scope, pid: Pid): Known {
  const { known } = ctx.state
  const key = formatPid(pid)
  const found = known.get(key) ?? { monitor: ctx.monitor(pid), groups: new Set<string>() }
  known.set(key, found)
  return found
}

/** Unless it is in another group, or still has a monitor. */
function unwatch(ctx: Scope, pid: Pid): void {
  const { known, monitors } = ctx.state
  const key = formatPid(pid)
  const found = known.get(key)
  if (found === undefined || found.groups.size > 0 || monitors.isWatching(pid)) return
  known.delete(key)
  ctx.demonitor(found.monitor)
}

// --- all members ---

function membersOf(state: State, group: string): readonly Pid[] {
  const read = state.read.get(group)
  if (read !== undefined) return read
  const pids = state.local.pids(group)
  for (const { view } of state.peers.values()) for (const pid of view.members.pids(group)) pids.push(pid)
  if (pids.length > 0) state.read.set(group, pids)
  return pids
}

function groupsOf(state: State): string[] {
  const groups = new Set(state.local.groups())
  for (const { view } of state.peers.values()) for (const group of view.members.groups()) groups.add(group)
  return [...groups]
}

function changed(ctx: Scope, { type, group, pids }: GroupChange): void {
  if (pids.length === 0) return
  ctx.state.read.delete(group)
  for (const { pid, ref } of ctx.state.monitors.of(group)) {
    const message: GroupMessage = { type, ref, group, pids }
    ctx.send(pid, message)
  }
}

// --- the scopes of other nodes ---

function tick(ctx: Scope): void {
  const { state } = ctx
  tell(ctx)
  const beats = knob('skerry/groups beat every ms', beatEveryMs, [1_000, 2_000]) / discoverEveryMs
  if (state.ticks % beats === 0) for (const { pid } of state.peers.values()) beat(ctx, pid)
  state.ticks += 1
  discover(ctx)
  if (state.ticks === unofferedLooksMax && !ctx.isRpcSupported(ctx.node, state.options.finder)) {
    const { name } = state.options.finder
    ctx.log.warn(
      { procedure: name },
      'the app does not offer the procedure of its process groups: others do not find it',
    )
  }
}

function discover(ctx: Scope): void {
  const { asking, options } = ctx.state
  const found = new Set([...ctx.state.peers.values()].map(({ pid }) => pid.node))
  const nodes = ctx.regions().flatMap((region) => ctx.regionNodes(region))
  for (const node of nodes) {
    if (node === ctx.node || found.has(node) || asking.has(node)) continue
    if (asking.size >= askingMax) return
    if (ctx.isRpcSupported(node, options.finder)) ask(ctx, node)
  }
}

function ask(ctx: Scope, node: NodeId): void {
  const { asking, options } = ctx.state
  asking.add(node)
  ctx.rpc(node, options.finder, null).then(
    (scope) => {
      asking.delete(node)
      if (isPid(scope)) ctx.cast(ctx.self as ScopePid, 'found', [scope as ScopePid])
    },
    (error: unknown) => {
      // Not ready, or just lost: the next look asks again.
      asking.delete(node)
      ctx.log.debug({ node, err: error }, 'a node did not say where its process groups are')
    },
  )
}

/** The scope as it is known, or becomes known by this. `undefined` for what can be none, and for more than are taken. */
function peerOf(ctx: Scope, pid: ScopePid): Peer | undefined {
  const { peers, options } = ctx.state
  if (!isPid(pid) || pid.node === ctx.node) return undefined
  const key = formatPid(pid)
  const known = peers.get(key)
  if (known !== undefined) return known
  if (peers.size >= peersMax) return undefined
  const peer: Peer = { pid, monitor: ctx.monitor(pid), view: new PeerView(pid, options.maxMembers), isReported: false }
  peers.set(key, peer)
  beat(ctx, pid)
  return peer
}

/** Behind all changes of that version, or the other would ask for them. */
function beat(ctx: Scope, to: ScopePid): void {
  tell(ctx)
  ctx.cast(to, 'beat', [ctx.self, ctx.state.log.version])
}

function took(ctx: Scope, peer: Peer, changes: readonly GroupChange[]): void {
  for (const change of changes) changed(ctx, change)
  pull(ctx, peer)
}

function pull(ctx: Scope, peer: Peer): void {
  const { pid, view } = peer
  if (view.isTooLarge && !peer.isReported) {
    peer.isReported = true
    ctx.log.error({ node: pid.node }, 'a node has more members than the process groups take: none of them are shown')
  }
  const want = view.nextPull()
  if (want === undefined) return
  sometimes(want.have > 0, 'skerry/a change of a group was missed')
  ctx.state.pulls += 1
  ctx.cast(pid, 'pull', [ctx.self, want])
}

function answerPull(ctx: Scope, to: ScopePid, want: Want): void {
  const answer = ctx.state.log.answer(want, ctx.state.local)
  if ('deltas' in answer) for (const deltas of answer.deltas) ctx.cast(to, 'deltas', [ctx.self, deltas])
  else for (const part of answer.parts) ctx.cast(to, 'part', [ctx.self, part])
}

// --- ends ---

function down(ctx: Scope, { pid, ref }: DownMessage): void {
  const { peers, known, monitors, local } = ctx.state
  const key = formatPid(pid)
  const peer = peers.get(key)
  if (peer?.monitor.ref === ref) {
    peers.delete(key)
    for (const change of new GroupMembers().changesSince(peer.view.members)) changed(ctx, change)
  }
  const member = known.get(key)
  if (member?.monitor.ref !== ref) return
  known.delete(key)
  monitors.removeAllOf(pid)
  for (const group of member.groups) {
    const times = local.remove(group, pid, Infinity)
    announce(ctx, { type: 'leave', group, pids: Array.from({ length: times }, () => pid) })
  }
}

function statsOf({ local, peers, monitors, pulls, refused }: State): ProcessGroupsStats {
  const views = [...peers.values()].map(({ view }) => view.members.size)
  return {
    scopes: peers.size,
    members: views.reduce((sum, size) => sum + size, local.size),
    localMembers: local.size,
    monitors: monitors.size,
    pulls,
    refused,
  }
}

function isDown(message: Message): message is DownMessage {
  return typeof message === 'object' && message !== null && 'type' in message && message.type === 'DOWN'
}

function isNodeUp(message: Message): boolean {
  return typeof message === 'object' && message !== null && 'type' in message && message.type === 'nodeUp'
}
