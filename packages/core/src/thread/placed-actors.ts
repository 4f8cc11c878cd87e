import type { Behavior } from '../actor/behavior.ts'
import { ActorError } from '../actor/errors.ts'
import { reasonOfThrown } from '../actor/exit-reason.ts'
import type { Kernel } from '../actor/kernel.ts'
import type { Pid } from '../actor/pid.ts'
import { errorData } from '../base/error-data.ts'
import { Arrivals } from './arrivals.ts'
import type { Begun, PlacedActor, StartFailure } from './thread-message.ts'

/** Loads a module and finds the behavior of that name in it. Throws `ERR_MODULE_LOAD`. */
export type LoadBehavior = (module: string, name: string) => Promise<Behavior>

export interface PlacedActorsOptions {
  readonly kernel: Kernel
  readonly load: LoadBehavior
  /** Tells the thread that asked how the start went. */
  readonly answer: (starter: number, begun: Begun) => void
}

/** The side of a start on another thread where the actor runs. */
export class PlacedActors {
  readonly #options: PlacedActorsOptions
  readonly #arrivals = new Arrivals()
  readonly #loaded = new Map<string, Behavior>()

  constructor(options: PlacedActorsOptions) {
    this.#options = options
  }

  /** Whether the actor of that serial, which another thread gave it, has been heard of. */
  hasCome(serial: number): boolean {
    return this.#arrivals.has(numberOf(serial))
  }

  /** Starts it. It has its address, its links and a mailbox at once, while its module loads. */
  begin(placed: PlacedActor): void {
    const { kernel, answer } = this.#options
    const { serial, starter, behavior, parent, links, name } = placed
    const pid: Pid = { node: kernel.node, life: kernel.life, thread: kernel.thread, serial }
    this.#arrivals.add(numberOf(serial))
    const actor = kernel.prepare(behavior, pid, { parent, register: name }, links)
    for (const link of actor.alive ? links : []) {
      // Whoever asked may have ended since, on a thread that is gone: then this is answered with its end.
      if (link.thread !== 0 && link.node === kernel.node && link.life === kernel.life) {
        kernel.route({ type: 'link', from: pid, to: link })
      }
    }
    let ran = false
    let answered = false
    const tell = (failure?: StartFailure): void => {
      if (answered) return
      answered = true
      answer(starter, { type: 'begun', thread: pid.thread, serial, ...(failure !== undefined && { failure }) })
    }
    actor.started.then(
      () => tell(),
      (thrown: unknown) => tell(failureOf(thrown, ran)),
    )
    const prepare = async (): Promise<void> => {
      if (!actor.alive) return
      if (name !== undefined && placed.register) await kernel.registerName(name, pid)
      const found = await this.#load(behavior.module, behavior.name)
      if (!actor.alive) return
      ran = true
      actor.begin(found.createProcess(kernel, actor, placed.args))
    }
    prepare().catch((thrown: unknown) => {
      const failure = failureOf(thrown, ran)
      // Before its links fire.
      tell(failure)
      actor.exit(failure.reason)
    })
  }

  async #load(module: string, name: string): Promise<Behavior> {
    const key = `${name} ${module}`
    const known = this.#loaded.get(key)
    if (known !== undefined) return known
    const found = await this.#options.load(module, name)
    this.#loaded.set(key, found)
    return found
  }
}

/** Serials that others give are even, or on the main thread above 2^52; the only odd one is a thread's first. */
function numberOf(serial: number): number {
  if (serial % 2 === 1 && serial < 2 ** 52) return serial
  return serial >= 2 ** 52 ? serial - 2 ** 52 : serial / 2
}

function failureOf(thrown: unknown, ran: boolean): StartFailure {
  const reason = thrown instanceof ActorError && thrown.reason !== undefined ? thrown.reason : reasonOfThrown(thrown)
  return { error: errorData(thrown), reason, ran, stillborn: false }
}
