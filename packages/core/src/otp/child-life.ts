import type { Actor } from '../actor/actor.ts'
import type { Runtime } from '../actor/behavior.ts'
import { Context } from '../actor/context.ts'
import { ActorError, isIgnored } from '../actor/errors.ts'
import type { Request } from '../actor/mailbox.ts'
import { formatPid, type Pid } from '../actor/pid.ts'
import { isHere } from '../actor/thread-starter.ts'
import type { Failure } from '../actor/signal.ts'
import { watchExit } from '../actor/watch.ts'
import { errorData } from '../base/error-data.ts'
import type { ChildSpec } from './child-spec.ts'

/** The context of anything that supervises. */
export class SupervisorContext extends Context {
  readonly kernel: Runtime
  readonly actor: Actor

  constructor(kernel: Runtime, actor: Actor) {
    super(kernel, actor)
    this.kernel = kernel
    this.actor = actor
  }
}

/** The arguments of a request; `undefined` if they can't be decoded, which the caller is then told. */
export function argsOf(ctx: SupervisorContext, { args, encoded, replier }: Request): readonly unknown[] | undefined {
  try {
    return ctx.kernel.openArgs(args, encoded)
  } catch (error) {
    ctx.kernel.counters.undecodable += 1
    const message = 'The arguments could not be decoded'
    replier.fail({ code: 'ERR_NOT_DECODABLE', outcome: 'not-run', message, cause: errorData(error) })
    return undefined
  }
}

/** What one who asked for a child is told when its start failed. */
export function startFailure({ id }: ChildSpec, error: unknown): Failure {
  const message = `${id} did not start: ${error instanceof Error ? error.message : String(error)}`
  const code = isIgnored(error) ? 'ERR_START_IGNORED' : 'ERR_START_FAILED'
  return { code, outcome: 'ran', message, cause: errorData(error) }
}

/** Begins a child, linked to its supervisor. `started` settles when its init is done, failed, or was killed at `startMs`. */
export function beginChild(ctx: SupervisorContext, spec: ChildSpec): { pid: Pid; started: Promise<void> } {
  const { pid, started } = spawnChild(ctx, spec)
  const { kernel } = ctx
  const timer = kernel.platform.clock.after(spec.startMs, () => {
    kernel.route({ type: 'exit', from: ctx.self, to: pid, reason: 'kill', viaLink: false })
  })
  return { pid, started: started.finally(() => timer.cancel()) }
}

function spawnChild(ctx: SupervisorContext, spec: ChildSpec): { pid: Pid; started: Promise<void> } {
  const { kernel, actor, self } = ctx
  if (isHere(spec.thread, kernel.thread)) {
    const started = kernel.spawn(spec.behavior, spec.args, {
      parent: self,
      link: self,
      register: spec.register,
      system: actor.system,
    })
    return { pid: started.pid, started: started.started }
  }
  if (kernel.threads === undefined) {
    throw new ActorError('ERR_NO_MODULE', `Child "${spec.id}" wants another thread, and there are none here`)
  }
  const { behavior, args, register, thread: placement } = spec
  return kernel.threads.start({ behavior, args, placement, parent: self, links: [self], register })
}

/** Stops a child within its time; one that does not end in it is killed. Resolves when it is gone. */
export async function stopChild(ctx: SupervisorContext, pid: Pid, spec: ChildSpec): Promise<void> {
  const { kernel } = ctx
  // Watched, not waited for by its EXIT: a child that unlinked itself must not hang its supervisor.
  const ended = watchExit(kernel, pid)
  const kill = (): void => {
    kernel.route({ type: 'exit', from: ctx.self, to: pid, reason: 'kill', viaLink: false })
  }
  if (spec.shutdownMs === 'kill') {
    kill()
    await ended
    return
  }
  kernel.route({ type: 'exit', from: ctx.self, to: pid, reason: 'shutdown', viaLink: false })
  const timer = spec.shutdownMs === Infinity ? undefined : kernel.platform.clock.after(spec.shutdownMs, kill)
  const reason = await ended
  timer?.cancel()
  if (reason === 'killed') {
    const fields = { supervisor: ctx.actor.label, child: spec.id, pid: formatPid(pid), shutdownMs: spec.shutdownMs }
    ctx.log.warn(fields, 'a child did not end in its shutdown time and was killed')
  }
}
