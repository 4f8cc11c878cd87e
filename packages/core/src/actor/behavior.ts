import type { Actor, Process } from './actor.ts'
import type { Context } from './context.ts'
import type { Kernel } from './kernel.ts'

declare const types: unique symbol

/**
 * The code that an actor runs: made by `genServer`, `supervisor`, `actor` and `procedure`, never written by hand.
 * With a `module` any thread can load it by the module's URL and the export called `name`.
 */
export interface Behavior<out Args extends readonly unknown[] = readonly unknown[], out Protocol = unknown> {
  readonly name: string
  readonly module: string | undefined
  readonly trapExit: boolean
  readonly mailboxLimit: number
  /** Only where a process needs more than a plain context. */
  createContext?(kernel: Kernel, actor: Actor): Context
  createProcess(context: Context, args: readonly unknown[]): Process
  readonly [types]?: { args: Args; protocol: Protocol }
}

/** What `import.meta` gives: enough to find a module again. */
export interface ModuleMeta {
  readonly url: string
}
