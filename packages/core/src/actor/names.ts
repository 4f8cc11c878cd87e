import { isLost, type LostPeer } from './edges.ts'
import { ActorError } from './errors.ts'
import { formatPid, type Pid, samePid } from './pid.ts'

/**
 * The names of one node, owned by its main thread; other threads hold a copy that main keeps current. A dead actor's
 * names are freed before anybody hears of its end, so that a name can be taken again as soon as DOWN or EXIT arrives.
 */
export class Names {
  readonly #pids = new Map<string, Pid>()
  /** By serial, as that is asked for every actor that ends, and few have names. */
  readonly #namesOf = new Map<number, { readonly pid: Pid; readonly name: string }[]>()
  #onChange: ((name: string, pid: Pid | undefined) => void) | undefined

  get size(): number {
    return this.#pids.size
  }

  /** Throws `ERR_NAME_TAKEN` when another actor holds the name. Registering twice is once. */
  register(name: string, pid: Pid): void {
    const holder = this.#pids.get(name)
    if (holder !== undefined) {
      if (samePid(holder, pid)) return
      throw new ActorError('ERR_NAME_TAKEN', `The name "${name}" is taken by ${formatPid(holder)}`)
    }
    this.#pids.set(name, pid)
    const names = this.#namesOf.get(pid.serial)
    if (names === undefined) this.#namesOf.set(pid.serial, [{ pid, name }])
    else names.push({ pid, name })
    this.#onChange?.(name, pid)
  }

  unregister(name: string): void {
    const pid = this.#pids.get(name)
    if (pid === undefined) return
    this.#pids.delete(name)
    const left = (this.#namesOf.get(pid.serial) ?? []).filter((other) => other.name !== name)
    if (left.length === 0) this.#namesOf.delete(pid.serial)
    else this.#namesOf.set(pid.serial, left)
    this.#onChange?.(name, undefined)
  }

  whereis(name: string): Pid | undefined {
    return this.#pids.get(name)
  }

  /** Frees every name of an actor that ended. */
  free(pid: Pid): void {
    for (const one of this.#namesOf.get(pid.serial) ?? []) if (samePid(one.pid, pid)) this.unregister(one.name)
  }

  /** Frees every name of a thread that was lost. */
  freeLost(lost: LostPeer): void {
    for (const [name, pid] of [...this.#pids]) if (isLost(pid, lost)) this.unregister(name)
  }

  /** All names, sorted. */
  entries(): [string, Pid][] {
    return [...this.#pids].sort(([left], [right]) => (left < right ? -1 : 1))
  }

  /** Takes over main's answer: how a thread's copy follows the owner. */
  follow(name: string, pid: Pid | undefined): void {
    if (this.#pids.has(name)) this.unregister(name)
    if (pid !== undefined) this.register(name, pid)
  }

  /** One listener, told of every change after it happened. */
  onChange(on: (name: string, pid: Pid | undefined) => void): void {
    this.#onChange = on
  }
}
