/** An operation as its client saw it. Plain data. */
export interface Operation<Input = unknown, Output = unknown> {
  readonly client: number
  /** `client/number`, both from 0. */
  readonly id: string
  /** What was asked for, such as `add`. */
  readonly name: string
  readonly input: Input
  /** Virtual milliseconds. */
  readonly invokedMs: number
  /** `undefined`: it never returned. */
  readonly returnedMs: number | undefined
  /**
   * `ok`: it returned `output`. `fail`: it surely had no effect. `unknown`: it may have had its effect, then, later or
   * never; also an operation that never returned.
   */
  readonly outcome: 'ok' | 'fail' | 'unknown'
  readonly output?: Output
  readonly error?: { readonly code: string; readonly message: string }
}

/** What a checker found. */
export type Verdict =
  | { readonly ok: true }
  | { readonly ok: false; readonly message: string }
  /** The budget ended before an answer was found. */
  | { readonly ok: 'unknown'; readonly message: string }
