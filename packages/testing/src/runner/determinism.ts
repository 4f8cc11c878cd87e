import type { RunCase, RunResult } from '../simulation/run-result.ts'
import type { SimCase } from '../simulation/sim-case.ts'
import { eventLines } from '../trace/text-view.ts'
import type { TraceEvent } from '../trace/trace-event.ts'

/** One side of a {@link Divergence}. */
export interface DivergentEvent {
  /** `undefined`: this run was already over. */
  readonly event: TraceEvent | undefined
  /** Where it was scheduled or noted. */
  readonly stack: string
}

/** The first event in which two runs of one case differ. */
export interface Divergence {
  readonly index: number
  readonly first: DivergentEvent
  readonly second: DivergentEvent
}

// Between the kernel and whoever is to blame stand the runtime's own frames.
const stackFramesMax = 50
const stackFramesShown = 10

/**
 * Runs a case twice, with traces and stacks, and tells where the two runs part. `undefined`: this time they were equal.
 * Slow, and it holds two traces in memory: only for a case whose hashes were found to differ.
 */
export async function findDivergence(run: RunCase, simCase: SimCase): Promise<Divergence | undefined> {
  const usual = Error.stackTraceLimit
  Error.stackTraceLimit = stackFramesMax
  try {
    const first = await run(simCase, { trace: true, stacks: true })
    const second = await run(simCase, { trace: true, stacks: true })
    return firstDifference(first, second)
  } finally {
    Error.stackTraceLimit = usual
  }
}

/** Where two runs that were kept with traces and stacks part. */
export function firstDifference(first: RunResult, second: RunResult): Divergence | undefined {
  const [a, b] = [first, second].map(({ trace, steps }) => ({ events: trace?.events ?? [], steps: steps ?? [] })) as [
    Side,
    Side,
  ]
  const length = Math.max(a.events.length, b.events.length)
  for (let index = 0; index < length; index += 1) {
    // The hash sees payloads of which the trace shows nothing; it also takes up every difference before.
    if (a.steps[index]?.hash !== b.steps[index]?.hash || !isSame(a.events[index], b.events[index])) {
      return { index, first: at(a, index), second: at(b, index) }
    }
  }
  return undefined
}

/** As text: both events, each with the code that brought it about. */
export function formatDivergence({ index, first, second }: Divergence): string {
  const sides = [first, second].map(({ event, stack }, side) => {
    const what = event === undefined ? '(was over)' : eventLines([event])[0]?.trimStart()
    return [`run ${side + 1} ${what}`, ...shownFrames(stack).map((frame) => `    ${frame}`)].join('\n')
  })
  const alike = isSame(first.event, second.event) ? '\n(the same but for its payload)' : ''
  return `two runs of this case part at event ${index}:${alike}\n${sides.join('\n')}`
}

interface Side {
  readonly events: readonly TraceEvent[]
  readonly steps: NonNullable<RunResult['steps']>
}

function at({ events, steps }: Side, index: number): DivergentEvent {
  return { event: events[index], stack: steps[index]?.stack ?? '' }
}

function isSame(a: TraceEvent | undefined, b: TraceEvent | undefined): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}

/** Without the kernel's own frames, which are the same in every stack. */
function shownFrames(stack: string): string[] {
  const frames = stack.split('\n').flatMap((line) => (line.trimStart().startsWith('at ') ? [line.trim()] : []))
  return frames.filter((frame) => !/\bsim-kernel\.[jt]s/.test(frame)).slice(0, stackFramesShown)
}
