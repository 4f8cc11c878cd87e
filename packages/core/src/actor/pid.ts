/** A node's name in the mesh: a non-empty string that its transport authenticated, the same over restarts if its identity is. */
export type NodeId = string

declare const protocol: unique symbol

/**
 * An actor's address: plain data that may be sent anywhere and stored. `life` is new at every boot of the node
 * (Erlang's "creation"), so a Pid of an earlier life gets `noproc` and never reaches a new actor.
 * `===` fails after a copy: compare with {@link samePid}.
 * The type parameter is the actor's protocol, for typed calls; it exists only in the types.
 */
export interface Pid<out Protocol = unknown> {
  readonly node: NodeId
  readonly life: number
  /** 0 is the main thread. A number is never used twice in a life. */
  readonly thread: number
  readonly serial: number
  readonly [protocol]?: Protocol
}

/** A name that an actor of this node registered, with that actor's protocol. */
export interface ActorName<out Protocol = unknown> {
  readonly name: string
  readonly key?: never
  readonly [protocol]?: Protocol
}

/** The partition of this node that a key belongs to when a verb is called: see `partitionedSupervisor`. No name to register. */
export interface PartitionName<out Protocol = unknown> {
  readonly name: string
  readonly key: string | number
  readonly [protocol]?: Protocol
}

/** What the verbs take: an address, or a name of this node, resolved when the verb is called. */
export type Target<Protocol = unknown> = Pid<Protocol> | ActorName<Protocol> | PartitionName<Protocol>

/**
 * A typed name for an actor of the same node.
 *
 * @example
 * interface Database { call: { insert(order: Order): string }; cast: {} }
 * export const db = actorName<Database>('db')
 * await ctx.call(db, 'insert', [order])
 */
export function actorName<Protocol>(name: string): ActorName<Protocol> {
  return { name }
}

export function samePid(left: Pid, right: Pid): boolean {
  return (
    left.serial === right.serial && left.thread === right.thread && left.life === right.life && left.node === right.node
  )
}

/** The printed form, `<node/life/thread/serial>`, which {@link parsePid} reads back. */
export function formatPid(pid: Pid): string {
  return `<${pid.node}/${pid.life}/${pid.thread}/${pid.serial}>`
}

/** Reads what {@link formatPid} printed; `undefined` for anything else. */
export function parsePid(text: string): Pid | undefined {
  const match = /^<(.+)\/(\d+)\/(\d+)\/(\d+)>$/.exec(text)
  if (match === null) return undefined
  const [, node, life, thread, serial] = match
  const pid = { node: node as string, life: Number(life), thread: Number(thread), serial: Number(serial) }
  // Not what only looks like it: leading zeros, or digits beyond what a number holds.
  return formatPid(pid) === text ? pid : undefined
}

export function isPid(value: unknown): value is Pid {
  if (typeof value !== 'object' || value === null) return false
  const pid = value as Partial<Pid>
  return (
    typeof pid.node === 'string' &&
    typeof pid.life === 'number' &&
    typeof pid.thread === 'number' &&
    typeof pid.serial === 'number'
  )
}
