import type { Operation } from './history.ts'

/** How one thing behaves when its operations come one after the other. */
export interface Model<State> {
  readonly name: string
  readonly initial: State
  /**
   * What an operation does in a state: the next state, or `undefined` if what it returned is impossible there. `known` is
   * whether what it returned is known; if not, any answer will do.
   */
  readonly step: (state: State, operation: Operation, known: boolean) => State | undefined
  /** Two states of one key are equal. */
  readonly key: (state: State) => string
  /** Which part of the state an operation concerns: parts are checked apart. Default: all are one. */
  readonly partition?: (operation: Operation) => string
}
