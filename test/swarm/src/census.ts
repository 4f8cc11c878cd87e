import { type Context, formatPid, type Pid } from '@skerry/core'
import type { Sim } from '@skerry/testing'

/** One actor, from its birth on. */
export interface Life {
  readonly pid: Pid
  readonly label: string
  readonly bornMs: number
  /** Which boot of its node it belongs to. */
  readonly boot: number
  /** When it ended by itself. The end of its whole node leaves it open. */
  endedMs: number | undefined
}

/**
 * Who was born and who died in one run, as seen from outside, in virtual time. Actors enter themselves; a thread that is
 * killed, like a node that crashes, says nothing.
 */
export class Census {
  #sim: Sim | undefined
  readonly #lives = new Map<string, Life>()

  /** Forgets the run before: the module of a simulation outlives its runs. */
  begin(sim: Sim): void {
    this.#sim = sim
    this.#lives.clear()
  }

  /** Called by the actor itself, first thing. */
  born(ctx: Pick<Context, 'self' | 'signal'>, label: string, onEnd?: () => void): Life {
    const sim = this.sim
    const boot = sim.node(ctx.self.node).lives
    const life: Life = { pid: ctx.self, label, bornMs: sim.nowMs, boot, endedMs: undefined }
    this.#lives.set(formatPid(ctx.self), life)
    ctx.signal.addEventListener('abort', () => {
      life.endedMs = sim.nowMs
      onEnd?.()
    })
    return life
  }

  isAlive(pid: Pid): boolean {
    const life = this.of(pid)
    return life !== undefined && this.lives(life)
  }

  of(pid: Pid): Life | undefined {
    return this.#lives.get(formatPid(pid))
  }

  /** Those that live now, oldest first. */
  alive(): Life[] {
    return [...this.#lives.values()].filter((life) => this.lives(life))
  }

  /** Whether it, and the node's life that it is part of, go on. */
  lives({ pid, boot, endedMs }: Life): boolean {
    const node = this.sim.node(pid.node)
    return endedMs === undefined && node.running && node.lives === boot
  }

  get sim(): Sim {
    if (this.#sim === undefined) throw new Error('The census was not begun')
    return this.#sim
  }
}
