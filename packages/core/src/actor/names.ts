import { isLost, type LostPeer } from './edges.ts'
import { ActorError } from './errors.ts'
import { partitionName, partitionOf } from './partition.ts'
import { type ActorName, formatPid, type PartitionName, type Pid, samePid } from './pid.ts'

type OnNameChange = (name: string, pid: Pid | undefined, partitions?: number) => void

/**
 * The names of one node, owned by its main thread; other threads hold a copy that main keeps current. A dead actor's
 * names are freed before anybody hears of its end, so that a name can be taken again as soon as DOWN or EXIT arrives.
 */
export class Names {
  readonly #pids = new Map<string, Pid>()
  /** By serial, as that is asked for every actor that ends, and few have names. */
  readonly #namesOf = new Map<number, { readonly pid: Pid; readonly name: string }[]>()
  /** The names that have partitions, and how many are in use. */
  readonly #partitions = new Map<string, number>()
  #onChange: OnNameChange | undefined

  get size(): number {
    return this.#pids.size
  }

  /**
   * Throws `ERR_NAME_TAKEN` when another actor holds the name. Registering twice is once. With `partitions` the keys of the
   * name belong to so many actors, and its holder may change how many.
   */
  register(name: string, pid: Pid, partitions?: number): void {
    const holder = this.#pids.get(name)
    if (holder !== undefined) {
      if (samePid(holder, pid)) {
        if (partitions !== this.#partitions.get(name)) this.#setPartitions(name, pid, partitions)
        return
      }
      throw new ActorError('ERR_NAME_TAKEN', `The name "${name}" is taken by ${formatPid(holder)}`)
    }
    this.#pids.set(name, pid)
    const names = this.#namesOf.get(pid.serial)
    if (names === undefined) this.#namesOf.set(pid.serial, [{ pid, name }])
    else names.push({ pid, name })
    this.#setPartitions(name, pid, partitions)
  }

  #setPartitions(name: string, pid: Pid, partitions: number | undefined): void {
    if (partitions !== undefined) this.#partitions.set(name, partitions)
    this.#onChange?.(name, pid, partitions)
  }

  unregister(name: string): void {
    const pid = this.#pids.get(name)
    if (pid === undefined) return
    this.#pids.delete(name)
    this.#partitions.delete(name)
    const left = (this.#namesOf.get(pid.serial) ?? []).filter((other) => other.name !== name)
    if (left.length === 0) this.#namesOf.delete(pid.serial)
    else this.#namesOf.set(pid.serial, left)
    this.#onChange?.(name, undefined)
  }

  whereis(name: string): Pid | undefined {
    return this.#pids.get(name)
  }

  /** How many partitions of the name are in use; `undefined` if it has none. */
  partitions(name: string): number | undefined {
    return this.#partitions.get(name)
  }

  /** Who is meant: the holder of a name, or the partition of the name that the key belongs to now. */
  find({ name, key }: ActorName | PartitionName): Pid | undefined {
    if (key === undefined) return this.#pids.get(name)
    const partitions = this.#partitions.get(name) ?? 0
    return partitions === 0 ? undefined : this.#pids.get(partitionName(name, partitionOf(key, partitions)))
  }

  /** Frees every name of an actor that ended. */
  free(pid: Pid): void {
    const names = this.#namesOf.get(pid.serial)
    if (names === undefined) return
    for (const one of names) if (samePid(one.pid, pid)) this.unregister(one.name)
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
  follow(name: string, pid: Pid | undefined, partitions?: number): void {
    if (this.#pids.has(name)) this.unregister(name)
    if (pid !== undefined) this.register(name, pid, partitions)
  }

  /** One listener, told of every change after it happened. */
  onChange(on: OnNameChange): void {
    this.#onChange = on
  }
}
