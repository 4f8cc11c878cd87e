/**
 * What a simulator does with the properties that code states. In production there is none, and each of these functions
 * costs a branch.
 */
export interface PropertyObserver {
  always(ok: boolean, id: string, details: object | undefined): void
  sometimes(ok: boolean, id: string): void
  reachable(id: string): void
  unreachable(id: string, details: object | undefined): void
  /** Whether the unusual should happen now. */
  chance(id: string): boolean
  /** One of the values: `usual`, or of `alternatives`. The same for the same id over a whole run, or over a node's life. */
  knob<T>(id: string, usual: T, alternatives: readonly T[]): T
}

// One for all that runs on this thread, as the functions below are called where no platform is at hand.
let observer: PropertyObserver | undefined

/**
 * From here on `next` is told of every property that code on this thread states; `undefined`: nobody is. Returns a
 * function that brings back the one before. For simulators.
 */
export function installPropertyObserver(next: PropertyObserver | undefined): () => void {
  const before = observer
  observer = next
  return () => {
    observer = before
  }
}

/**
 * States that `condition` holds whenever this line is reached. In a simulation a single violation fails the run, which
 * ends there. **In production nothing happens**, also when it is false: to refuse bad input throw an error.
 * `id` names the property for good; `details` go into the report. The runtime's own ids begin with `skerry/`.
 * The words, from here down to `unreachable`, are those of Antithesis' SDKs.
 *
 * @example
 * always(order.total >= 0, 'an order is never negative', { order: order.id })
 */
export function always(condition: boolean, id: string, details?: object): void {
  if (observer !== undefined) observer.always(condition, id, details)
}

/**
 * States that `condition` is true at least once over the many seeds of a swarm, so that a test which no longer tests the
 * hard case is noticed: a swarm that reached the line and never saw it true fails. A single run never fails by it. In
 * production it does nothing.
 *
 * @example
 * sometimes(queue.length > 100, 'the queue grew long')
 */
export function sometimes(condition: boolean, id: string): void {
  if (observer !== undefined) observer.sometimes(condition, id)
}

/**
 * States that some seed of a swarm gets to this line: notes that it was. A line that was never reached can't say its id
 * itself; the swarm has to be told which ids it should expect. In production it does nothing.
 *
 * @example
 * if (reply.cached) reachable('a reply came from the cache')
 */
export function reachable(id: string): void {
  if (observer !== undefined) observer.reachable(id)
}

/**
 * States that this line is never reached: `always(false, …)`. In a simulation it fails the run; in production nothing
 * happens and the code goes on.
 *
 * @example
 * default: unreachable('an order has one of five states', { state })
 */
export function unreachable(id: string, details?: object): void {
  if (observer !== undefined) observer.unreachable(id, details)
}

/**
 * Whether something legal but unusual should happen now: a refusal, a delay, a small batch. Always `false` in production;
 * in a simulation the seed decides, for a part of the ids in each run. What it brings about must be right for callers.
 * The idea is FoundationDB's BUGGIFY.
 *
 * @example
 * if (cache.isFull || chance('cache: evict early')) cache.evict()
 */
export function chance(id: string): boolean {
  return observer !== undefined && observer.chance(id)
}

/**
 * A setting: `usual` in production, in a simulation sometimes one of `alternatives`, all of which must be right. Ask once,
 * where the setting is read, not in a loop. The idea is that of FoundationDB's randomised knobs.
 *
 * @example
 * const batchMax = knob('orders: batch size', 500, [1, 7])
 */
export function knob<T>(id: string, usual: T, alternatives: readonly T[]): T {
  return observer === undefined ? usual : observer.knob(id, usual, alternatives)
}
