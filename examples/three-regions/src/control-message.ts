/** What the demo asks of a node's process, over the channel that fork made. */
export type Command =
  | {
      readonly kind: 'call'
      readonly id: number
      readonly region: string
      readonly procedure: string
      readonly input: unknown
      readonly timeoutMs: number
      readonly idempotencyKey: string | undefined
    }
  | { readonly kind: 'look'; readonly id: number }
  | { readonly kind: 'stop'; readonly id: number }

/** How a process is started. */
export interface ProcessConfig {
  readonly region: string
  readonly primaryRegion: string
  readonly file: string
  readonly secret: string
  readonly privateKey: string
  readonly transport: 'libp2p' | 'nats'
  /** The other regions' addresses. NATS needs none. */
  readonly seeds: readonly string[]
  /** Of NATS. */
  readonly servers: readonly string[]
}

export interface CallFailure {
  readonly code: string
  readonly outcome: string
  readonly message: string
  readonly causeCode: string | undefined
}

/** A node as its own process sees it. */
export interface Look {
  readonly regions: Readonly<Record<string, readonly string[]>>
  /** Whether every node that is seen also offers work. */
  readonly complete: boolean
  readonly remoteProcesses: number
  readonly cached: number
}

/** What a process says. */
export type Report =
  | { readonly kind: 'up'; readonly node: string; readonly life: number; readonly addresses: readonly string[] }
  | { readonly kind: 'failed'; readonly message: string }
  /** A line of the node's log. */
  | { readonly kind: 'log'; readonly message: string }
  | { readonly kind: 'table'; readonly regions: readonly string[] }
  | { readonly kind: 'result'; readonly id: number; readonly value: unknown; readonly ms: number }
  | { readonly kind: 'failure'; readonly id: number; readonly failure: CallFailure; readonly ms: number }
  | { readonly kind: 'look'; readonly id: number; readonly look: Look }
  | { readonly kind: 'stopped'; readonly id: number }
