import type { ProcedureName, RpcOptions } from '@skerry/core'

/** From the test to a node's process. */
export type ToNode =
  | {
      readonly type: 'rpcPrimary'
      readonly ref: number
      readonly procedure: ProcedureName
      readonly input: unknown
      readonly options: RpcOptions
    }
  | { readonly type: 'regions'; readonly ref: number }

/** From a node's process to the test. */
export type FromNode =
  | { readonly type: 'up' }
  | { readonly type: 'answer'; readonly ref: number; readonly value: unknown }
  | {
      readonly type: 'failure'
      readonly ref: number
      readonly code: string
      readonly message: string
      readonly outcome: 'not-run' | 'unknown' | 'ran'
    }
