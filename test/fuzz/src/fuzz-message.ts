import type { Finding } from './fuzz-loop.ts'
import { inputBytesMax } from './mutate.ts'

/** What a thread is started with. */
export interface FuzzOrders {
  readonly seed: number
  readonly only: readonly string[]
  /** Inputs for each decoder; then it is done. */
  readonly runs: number
  readonly minutes: number
  /** Of all processors together, of the whole process. */
  readonly cpuMinutes: number
  /** The shortest inputs that go all ways are wanted at the end. */
  readonly keep: boolean
  /** Words: how many runs were begun, which decoder's, and how long the last input is; behind them, the input. */
  readonly now: SharedArrayBuffer
}

/** What a thread says. */
export type FuzzNews =
  | { readonly news: 'found'; readonly finding: Finding }
  | { readonly news: 'progress'; readonly targets: readonly TargetProgress[] }
  | { readonly news: 'done'; readonly targets: readonly TargetProgress[]; readonly kept: readonly Kept[] }

export interface TargetProgress {
  readonly name: string
  readonly runs: number
  readonly corpus: number
  readonly characters: number
}

export interface Kept {
  readonly name: string
  readonly inputs: readonly Uint8Array[]
}

export const nowWords = 3
export const nowBytes: number = nowWords * 4 + inputBytesMax
