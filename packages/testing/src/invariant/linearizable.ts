import type { Operation, Verdict } from '../history/history.ts'
import { checkLinearizable, type LinearizableOptions } from '../history/linearizable.ts'
import type { Model } from '../history/model.ts'
import { counterModel, lockModel, queueModel, registerModel } from '../history/models.ts'
import type { Invariant } from '../simulation/definition.ts'

type ModelName = 'register' | 'counter' | 'queue' | 'lock'

type Check = (operations: readonly Operation[], limits: LinearizableOptions) => Verdict

const checks: Readonly<Record<ModelName, Check>> = {
  register: (operations, limits) => checkLinearizable(registerModel(), operations, limits),
  counter: (operations, limits) => checkLinearizable(counterModel, operations, limits),
  queue: (operations, limits) => checkLinearizable(queueModel, operations, limits),
  lock: (operations, limits) => checkLinearizable(lockModel, operations, limits),
}

export interface LinearizableInvariantOptions extends LinearizableOptions {
  /** Which operations count. Default: all that clients did. */
  readonly of?: (operation: Operation) => boolean
}

/**
 * What clients saw is as if each operation had happened at one moment between its call and its answer. Looked at when the
 * workload is over.
 *
 * @example
 * invariants: [linearizable('register', { of: ({ name }) => name === 'kv' })]
 */
export function linearizable<State>(
  model: ModelName | Model<State>,
  options: LinearizableInvariantOptions = {},
): Invariant {
  const { of = () => true, ...limits } = options
  const check: Check =
    typeof model === 'string' ? checks[model] : (operations, given) => checkLinearizable(model, operations, given)
  return {
    id: `linearizable ${typeof model === 'string' ? model : model.name}`,
    atEnd: (sim) => check(sim.history.filter(of), limits),
  }
}
