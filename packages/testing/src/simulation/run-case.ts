import type { AppDefinition } from '@skerry/core'
import { describeFrame, installPropertyObserver, leaveOutStacks } from '@skerry/core/simulation'
import { checkFaults } from '../fault/check-faults.ts'
import { soundDrain } from '../kernel/drain.ts'
import { SimKernel } from '../kernel/sim-kernel.ts'
import { createSimNetwork } from '../network/sim-network.ts'
import { seededRandom } from '../platform/seeded-random.ts'
import type { Trace } from '../trace/trace-event.ts'
import type { Invariant, SimulationOptions } from './definition.ts'
import { describeReason } from './describe-reason.ts'
import { FaultInjector } from './fault-injector.ts'
import { PropertyRecorder } from './property-recorder.ts'
import { replaceChildren } from './replace-children.ts'
import { type Confinement, confine } from './confinement.ts'
import type { RunFailure, RunOptions, RunResult } from './run-result.ts'
import { Sim } from './sim.ts'
import type { SimCase } from './sim-case.ts'
import { SimNode } from './sim-node.ts'
import { WallClock } from './wall-clock.ts'
import { verdictMessage } from './verdict-message.ts'

// Nodes of a cluster do not boot at the same microsecond.
const bootSpreadUs = 200_000
const checkEveryMsDefault = 100

/** What a run was at when it ended; the first failure counts. */
interface Run {
  readonly kernel: SimKernel
  readonly sim: Sim
  readonly fail: (invariant: string, error: unknown) => void
}

/**
 * Runs one case from its beginning to its end or its failure. One at a time in a thread: while it runs the globals of time
 * and chance are the simulation's. Rejects for mistakes in the definition.
 */
export async function runCase(
  options: SimulationOptions,
  simCase: SimCase,
  runOptions: RunOptions & { readonly onProgress?: (events: number) => void } = {},
): Promise<RunResult> {
  const { trace = false, hash = true, stacks = false, watchEscapes = false, onProgress } = runOptions
  checkFaults(simCase.faults, simCase.nodes)
  const kernel = new SimKernel({
    seed: simCase.seed,
    drain: await soundDrain(),
    trace,
    hash,
    stacks,
    ...(options.eventsMax !== undefined && { eventsMax: options.eventsMax }),
  })
  kernel.onProgress = onProgress
  const random = seededRandom(simCase.seed)
  let failure: RunFailure | undefined

  const fail = (invariant: string, error: unknown): void => {
    if (failure !== undefined) return
    const message = describeReason(error)
    const stack = error instanceof Error ? error.stack : undefined
    kernel.note(kernel.self, 'assert', { msg: () => `${invariant}: ${message}` })
    failure = {
      invariant,
      message,
      ...(stack !== undefined && { stack }),
      atMs: kernel.nowUs / 1_000,
      event: kernel.ran,
    }
    kernel.stop()
  }
  kernel.onThrow = (error) => fail('unhandled', error)
  const properties = new PropertyRecorder(kernel, (id, message) => fail(id, message))
  const network = createSimNetwork({
    kernel,
    nodes: simCase.nodes,
    rtt: options.network ?? {},
    jitter: simCase.jitter ?? true,
    describe: described(),
  })
  const order = simCase.order ?? 'shuffle'
  const nodes = simCase.nodes.map((spec, index) => {
    return new SimNode(spec, index, {
      kernel,
      network,
      random,
      app: appOf(options, spec),
      primary: options.primary ?? (simCase.nodes[0]?.region as string),
      environment: options.environment ?? {},
      order,
      copies: options.copies ?? true,
      restartMs: options.restartMs ?? 1_000,
      bootFailed: (node, error) => fail('boot', `${node}: ${describeReason(error)}`),
    })
  })
  const faults = new FaultInjector({ kernel, network, nodes })
  const sim = new Sim({ simCase, kernel, network, random, nodes, faults, properties })
  const run: Run = { kernel, sim, fail }
  const safetyMs = simCase.safetyMs ?? simCase.durationMs

  for (const node of nodes) {
    const bootAt = random.fork(`boot/${node.name}`).int(bootSpreadUs)
    kernel.schedule(kernel.self, bootAt, 'step', () => node.boot())
  }
  faults.plan(simCase.faults, simCase.durationMs)
  kernel.schedule(kernel.self, safetyMs * 1_000, 'step', () => {
    faults.endAll()
    sim.healed()
  })
  for (const invariant of options.invariants ?? []) scheduleChecks(run, invariant)
  kernel.schedule(kernel.self, 0, 'step', () => {
    work(options, run).catch((error: unknown) => fail('workload', error))
  })

  const removeObserver = installPropertyObserver(properties)
  // A stack names paths and lines: equal runs on two machines, or two versions of Node, would differ.
  const putStacksBack = leaveOutStacks()
  const confinement = confine({
    kernel,
    wall: new WallClock(kernel),
    random,
    policy: options.escapes ?? 'error',
    detects: watchEscapes,
    fail,
  })
  try {
    const end = await kernel.run(simCase.durationMs * 1_000)
    if (end === 'time') fail('progress', `not over after ${simCase.durationMs} ms of virtual time; ${sim.lastError}`)
    if (end === 'idle') fail('deadlock', 'the workload waits, and nothing is left that could happen')
    if (end === 'eventsMax') fail('inconclusive', `more than ${kernel.ran} events; ${sim.lastError}`)
  } finally {
    confinement.end()
    putStacksBack()
    removeObserver()
  }
  return resultOf(options, simCase, run, failure, properties, confinement)
}

/** A frame is told of when it is sent and when it arrives; its caption is made once. */
function described(): (frame: Uint8Array) => string {
  const captions = new WeakMap<Uint8Array, string>()
  return (frame) => {
    const known = captions.get(frame)
    if (known !== undefined) return known
    const caption = describeFrame(frame)
    captions.set(frame, caption)
    return caption
  }
}

/** What the users do, then what must hold at the end. */
async function work(options: SimulationOptions, { kernel, sim, fail }: Run): Promise<void> {
  await options.workload?.(sim)
  if (options.workload === undefined) await sim.whenHealed()
  for (const invariant of options.invariants ?? []) {
    const message = verdictMessage(await invariant.atEnd?.(sim))
    if (message !== undefined) return fail(invariant.id, message)
  }
  kernel.stop()
}

function scheduleChecks({ kernel, sim, fail }: Run, { id, check, everyMs = checkEveryMsDefault }: Invariant): void {
  if (check === undefined) return
  const ask = (): void => {
    try {
      const message = verdictMessage(check(sim))
      if (message !== undefined) fail(id, message)
    } catch (error) {
      fail(id, error)
    }
  }
  if (everyMs === 'event') {
    const before = kernel.afterEvent
    kernel.afterEvent = () => {
      before?.()
      ask()
    }
    return
  }
  const again = (): void => {
    ask()
    kernel.schedule(kernel.self, kernel.nowUs + everyMs * 1_000, 'step', again)
  }
  kernel.schedule(kernel.self, everyMs * 1_000, 'step', again)
}

function appOf({ app, replace }: SimulationOptions, spec: SimCase['nodes'][number]): AppDefinition {
  const own = typeof app === 'function' ? app(spec) : app
  return replace === undefined ? own : replaceChildren(own, replace)
}

function resultOf(
  options: SimulationOptions,
  simCase: SimCase,
  { kernel, sim }: Run,
  failure: RunFailure | undefined,
  properties: PropertyRecorder,
  confinement: Confinement,
): RunResult {
  const { hash, steps } = kernel.log
  const events = kernel.log.trace()
  const name = options.name ?? (typeof options.app === 'function' ? 'simulation' : options.app.name)
  const trace: Trace | undefined = events && {
    header: {
      name,
      seed: simCase.seed,
      nodes: simCase.nodes,
      durationUs: kernel.nowUs,
      hash,
      replay: `SIM_SEED=${simCase.seed}`,
      ...(failure !== undefined && {
        failure: {
          invariant: failure.invariant,
          message: failure.message,
          t: Math.round(failure.atMs * 1_000),
          i: Math.max(
            0,
            events.findLastIndex((event) => event.kind === 'assert'),
          ),
        },
      }),
    },
    events,
  }
  return {
    case: simCase,
    failure,
    hash,
    events: kernel.ran,
    virtualMs: kernel.nowUs / 1_000,
    ops: sim.ops,
    properties: properties.counts(),
    escapes: confinement.escapes,
    lastEvents: kernel.log.lastEvents(),
    ...(trace !== undefined && { trace }),
    ...(steps !== undefined && { steps }),
  }
}
