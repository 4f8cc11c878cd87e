import type { Behavior, ModuleMeta } from '../actor/behavior.ts'
import type { MonitorRef } from '../actor/context.ts'
import { formatPid, type Pid, samePid } from '../actor/pid.ts'
import { SpecError } from './errors.ts'
import { genServer } from './gen-server.ts'

/** The entries of one registry when it names no bound of its own. */
const maxEntriesDefault = 1_000_000

export interface RegistryOptions {
  /** `'unique'`: a key belongs to one actor; `'duplicate'`: to any number. */
  readonly keys: 'unique' | 'duplicate'
  /** How many entries there may be, from 1; one more is answered `'full'`. Default 1,000,000. */
  readonly maxEntries?: number
  /** `import.meta`, for a registry on another thread. */
  readonly module?: ModuleMeta
}

export interface RegistryEntry<Value> {
  readonly pid: Pid
  readonly value: Value
}

/** What `register` answers. */
export type Registered = 'registered' | 'full' | { readonly alreadyRegistered: Pid }

/** What can be asked of a registry. */
export interface RegistryProtocol<Value> {
  call: {
    /**
     * Gives the actor the key. `alreadyRegistered`: in a unique registry another one has it, or this one does; in a
     * duplicate one this one does.
     */
    register(key: string, pid: Pid, value: Value): Registered
    /** Takes the key from the actor. `false` if it did not have it. */
    unregister(key: string, pid: Pid): boolean
    /** Who has the key, in the order of their registration. One that has just ended may still be among them. */
    lookup(key: string): RegistryEntry<Value>[]
    /** The keys of an actor, in the order of their registration. */
    keysOf(pid: Pid): string[]
    count(): number
  }
  cast: {
    /** Sends each of those who have the key a plain message. */
    dispatch(key: string, message: object | string | number | boolean | null): void
  }
}

/** What the registry knows of one actor. */
interface Registrant {
  readonly pid: Pid
  readonly monitor: MonitorRef
  readonly keys: Set<string>
}

interface State<Value> {
  readonly byKey: Map<string, RegistryEntry<Value>[]>
  readonly byPid: Map<string, Registrant>
  count: number
}

/**
 * A directory of actors by key, local to its node, for more keys than names are for, and for keys that several share. An
 * actor's entries go when it ends. The idea is Elixir's Registry. It differs: it is an actor, so a lookup is a call; it
 * watches who is registered instead of linking to them, so its end ends nobody, and those who need an entry register
 * again (for example when their monitor of it fires).
 *
 * @example
 * export const rooms = registry<{ topic: string }>('rooms', { keys: 'unique' })
 * await ctx.call(roomsName, 'register', ['lobby', ctx.self, { topic: 'tea' }])
 * const [room] = await ctx.call(roomsName, 'lookup', ['lobby'])
 */
export function registry<Value>(
  name: string,
  { keys, maxEntries = maxEntriesDefault, module }: RegistryOptions,
): Behavior<[], RegistryProtocol<Value>> {
  if (!Number.isSafeInteger(maxEntries) || maxEntries < 1) {
    throw new SpecError(`Registry "${name}": maxEntries must be a whole number from 1`)
  }
  return genServer({
    ...(module !== undefined && { module }),
    name,
    init: (): State<Value> => ({ byKey: new Map(), byPid: new Map(), count: 0 }),
    call: {
      register: (ctx, key: string, pid: Pid, value: Value): Registered => {
        const { state } = ctx
        const entries = state.byKey.get(key) ?? []
        const holder = keys === 'unique' ? entries[0] : entries.find((entry) => samePid(entry.pid, pid))
        if (holder !== undefined) return { alreadyRegistered: holder.pid }
        if (state.count >= maxEntries) return 'full'
        const known = state.byPid.get(formatPid(pid)) ?? { pid, monitor: ctx.monitor(pid), keys: new Set() }
        state.byPid.set(formatPid(pid), known)
        known.keys.add(key)
        entries.push({ pid, value })
        state.byKey.set(key, entries)
        state.count += 1
        return 'registered'
      },
      unregister: (ctx, key: string, pid: Pid): boolean => {
        const known = ctx.state.byPid.get(formatPid(pid))
        if (known?.keys.delete(key) !== true) return false
        removeEntry(ctx.state, key, pid)
        if (known.keys.size === 0) {
          ctx.state.byPid.delete(formatPid(pid))
          ctx.demonitor(known.monitor, { flush: true })
        }
        return true
      },
      lookup: (ctx, key: string): RegistryEntry<Value>[] => [...(ctx.state.byKey.get(key) ?? [])],
      keysOf: (ctx, pid: Pid): string[] => [...(ctx.state.byPid.get(formatPid(pid))?.keys ?? [])],
      count: (ctx): number => ctx.state.count,
    },
    cast: {
      dispatch: (ctx, key: string, message: object | string | number | boolean | null): void => {
        for (const { pid } of ctx.state.byKey.get(key) ?? []) ctx.send(pid, message)
      },
    },
    info: (ctx, message) => {
      if (!isDown(message)) return
      const known = ctx.state.byPid.get(formatPid(message.pid))
      if (known?.monitor.ref !== message.ref) return
      ctx.state.byPid.delete(formatPid(message.pid))
      for (const key of known.keys) removeEntry(ctx.state, key, message.pid)
    },
  })
}

function removeEntry<Value>(state: State<Value>, key: string, pid: Pid): void {
  const left = (state.byKey.get(key) ?? []).filter((entry) => !samePid(entry.pid, pid))
  if (left.length === 0) state.byKey.delete(key)
  else state.byKey.set(key, left)
  state.count -= 1
}

function isDown(message: unknown): message is { readonly type: 'DOWN'; readonly ref: number; readonly pid: Pid } {
  return typeof message === 'object' && message !== null && 'type' in message && message.type === 'DOWN'
}
