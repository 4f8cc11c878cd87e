/** The beginning or the end of an actor's life, for a trace. A thread that is killed does not tell of its actors' ends. */
export type ActorEvent =
  | { readonly type: 'spawn'; readonly pid: ActorAddress; readonly label: string }
  /** `reason` is the exit reason as others are told it. */
  | { readonly type: 'exit'; readonly pid: ActorAddress; readonly label: string; readonly reason: unknown }

/** A Pid, as far as this folder knows of actors. */
interface ActorAddress {
  readonly node: string
  readonly life: number
  readonly thread: number
  readonly serial: number
}
