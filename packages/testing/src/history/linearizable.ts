import type { Operation, Verdict } from './history.ts'
import type { Model } from './model.ts'

export interface LinearizableOptions {
  /** Steps that may be tried for one partition. Default 1,000,000. At the bound the verdict is `'unknown'`. */
  readonly stepsMax?: number
}

/**
 * Whether there is an order of the operations, each at one moment between its call and its answer, in which the model
 * gives the answers that the clients got. What surely had no effect is left out; what may have had one may have it at any
 * time after its call, or never. Wing and Gong's search with Lowe's memo, partition by partition (Herlihy and Wing's
 * locality).
 *
 * @example
 * const verdict = checkLinearizable(registerModel(0), sim.history)
 * if (verdict.ok === false) throw new Error(verdict.message)
 */
export function checkLinearizable<State>(
  model: Model<State>,
  operations: readonly Operation[],
  { stepsMax = 1_000_000 }: LinearizableOptions = {},
): Verdict {
  const partitions = new Map<string, Operation[]>()
  for (const operation of operations) {
    if (operation.outcome === 'fail') continue
    const partition = model.partition?.(operation) ?? ''
    const own = partitions.get(partition) ?? []
    partitions.set(partition, own)
    own.push(operation)
  }
  let unknown: Verdict | undefined
  for (const [partition, own] of partitions) {
    const verdict = checkOne(model, partition, own, stepsMax)
    if (verdict.ok === false) return verdict
    if (verdict.ok === 'unknown') unknown ??= verdict
  }
  return unknown ?? { ok: true }
}

/** An operation in the list of calls and answers still to be placed, in the order of time. */
interface Node {
  readonly index: number
  readonly operation: Operation
  readonly isAnswer: boolean
  /** Of a call: its answer. What never returned has none. */
  answer: Node | undefined
  previous: Node | undefined
  next: Node | undefined
}

function checkOne<State>(
  model: Model<State>,
  partition: string,
  operations: readonly Operation[],
  stepsMax: number,
): Verdict {
  const head = listOf(operations)
  const known = operations.filter(isKnown).length
  const placed: { readonly call: Node; readonly before: State }[] = []
  const seen = new Set<string>()
  const done = new Bits(operations.length)
  let state = model.initial
  let knownPlaced = 0
  let longest: readonly Operation[] = []
  let stuckAt: Operation | undefined
  let steps = 0

  for (let at = head.next; knownPlaced < known;) {
    steps += 1
    if (steps > stepsMax) {
      return { ok: 'unknown', message: `No answer for ${named(model, partition)} within ${stepsMax} steps` }
    }
    if (at !== undefined && !at.isAnswer) {
      const next = model.step(state, at.operation, isKnown(at.operation))
      if (next !== undefined) {
        done.add(at.index)
        const memo = `${done.text()} ${model.key(next)}`
        if (!seen.has(memo)) {
          seen.add(memo)
          placed.push({ call: at, before: state })
          state = next
          if (isKnown(at.operation)) knownPlaced += 1
          lift(at)
          if (placed.length > longest.length) {
            longest = placed.map(({ call }) => call.operation)
            stuckAt = undefined
          }
          at = head.next
          continue
        }
        done.remove(at.index)
      }
      at = at.next
      continue
    }
    // An answer whose call has no place yet, or the end: what was placed last was placed too early.
    if (at !== undefined && placed.length === longest.length) stuckAt ??= at.operation
    const last = placed.pop()
    if (last === undefined) return violation(model, partition, longest, stuckAt)
    state = last.before
    done.remove(last.call.index)
    if (isKnown(last.call.operation)) knownPlaced -= 1
    unlift(last.call)
    at = last.call.next
  }
  return { ok: true }
}

function isKnown({ outcome }: Operation): boolean {
  return outcome === 'ok'
}

/** Calls and answers by time; at one moment calls come first, so that they count as concurrent. */
function listOf(operations: readonly Operation[]): Node {
  const points: { readonly ms: number; readonly order: number; readonly node: Node }[] = []
  for (const [index, operation] of operations.entries()) {
    const node = (isAnswer: boolean): Node => {
      return { index, operation, isAnswer, answer: undefined, previous: undefined, next: undefined }
    }
    const call = node(false)
    points.push({ ms: operation.invokedMs, order: 0, node: call })
    if (!isKnown(operation) || operation.returnedMs === undefined) continue
    call.answer = node(true)
    points.push({ ms: operation.returnedMs, order: 1, node: call.answer })
  }
  points.sort((one, other) => one.ms - other.ms || one.order - other.order || one.node.index - other.node.index)
  const head: Node = {
    index: -1,
    operation: operations[0] as Operation,
    isAnswer: false,
    answer: undefined,
    previous: undefined,
    next: undefined,
  }
  let last = head
  for (const { node } of points) {
    node.previous = last
    last.next = node
    last = node
  }
  return head
}

function lift(call: Node): void {
  unlink(call)
  if (call.answer !== undefined) unlink(call.answer)
}

/** In the reverse order of `lift`: the neighbours are those of that moment. */
function unlift(call: Node): void {
  if (call.answer !== undefined) relink(call.answer)
  relink(call)
}

function unlink({ previous, next }: Node): void {
  if (previous !== undefined) previous.next = next
  if (next !== undefined) next.previous = previous
}

function relink(node: Node): void {
  if (node.previous !== undefined) node.previous.next = node
  if (node.next !== undefined) node.next.previous = node
}

/** A set of small numbers that has a text. */
class Bits {
  readonly #words: Uint16Array

  constructor(size: number) {
    this.#words = new Uint16Array(Math.ceil(size / 16))
  }

  add(bit: number): void {
    const at = bit >> 4
    this.#words[at] = (this.#words[at] as number) | (1 << (bit & 15))
  }

  remove(bit: number): void {
    const at = bit >> 4
    this.#words[at] = (this.#words[at] as number) & ~(1 << (bit & 15))
  }

  /** The full words at the start are all alike in a long history: only how many they are is told. */
  text(): string {
    const words = this.#words
    let full = 0
    while (full < words.length && words[full] === 0xffff) full += 1
    let end = words.length
    while (end > full && words[end - 1] === 0) end -= 1
    return `${full}:${String.fromCharCode(...words.subarray(full, end))}`
  }
}

// How much of the order that fits is shown.
const shownMax = 8

function violation<State>(
  model: Model<State>,
  partition: string,
  longest: readonly Operation[],
  stuckAt: Operation | undefined,
): Verdict {
  const shown = longest.slice(-shownMax).map(line)
  const left = longest.length - shown.length
  return {
    ok: false,
    message: [
      `No order of its operations explains what the clients of ${named(model, partition)} were told.`,
      `The longest order that does${left > 0 ? `, from its operation ${left + 1} on` : ''}:`,
      ...(shown.length === 0 ? ['  (none)'] : shown.map((text) => `  ${text}`)),
      ...(stuckAt === undefined ? [] : ['After it there is no place for:', `  ${line(stuckAt)}`]),
    ].join('\n'),
  }
}

function named({ name }: { readonly name: string }, partition: string): string {
  return partition === '' ? `the ${name}` : `the ${name} "${partition}"`
}

function line({ client, name, input, output, outcome, invokedMs, returnedMs }: Operation): string {
  const answer = outcome === 'ok' ? (JSON.stringify(output) ?? 'undefined') : '?'
  const until = returnedMs === undefined || outcome !== 'ok' ? '…' : returnedMs.toFixed(3)
  return `${invokedMs.toFixed(3)}–${until} ms  client ${client}  ${name} ${JSON.stringify(input) ?? ''} -> ${answer}`
}
