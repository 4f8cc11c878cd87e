import type { FaultKind } from '../fault/fault.ts'
import { describeFault } from '../fault/fault-text.ts'
import type { RunFailure, RunResult } from '../simulation/run-result.ts'
import type { SimCase } from '../simulation/sim-case.ts'
import { eventLines } from '../trace/text-view.ts'
import type { CaseOutcome } from './check-case.ts'
import { formatDivergence } from './determinism.ts'
import type { ShrunkCase } from './shrink-failure.ts'

export interface FailureReport {
  readonly name: string
  readonly outcome: CaseOutcome
  /** How far the swarm was, such as `run 348 of 1000, 41 seeds/s`. */
  readonly progress?: string
  readonly shrunk?: ShrunkCase
  /** Each a line to paste into a shell. */
  readonly replay: readonly string[]
  /** What runs in other threads showed. */
  readonly elsewhere?: 'same' | 'leak' | 'differs'
}

const stackFramesShown = 6

const allFaultKinds: Readonly<Record<FaultKind, true>> = {
  partition: true,
  flap: true,
  crash: true,
  regionLoss: true,
  pause: true,
  slow: true,
  clog: true,
  loss: true,
  reset: true,
  skew: true,
  threadLoss: true,
}

/**
 * What a person is shown of a run that did not pass: what was done to the cluster, what broke and when, what happened
 * just before, the smallest case that was found, the line that replays it, and whether all this can be relied on.
 */
export function failureReport(report: FailureReport): string {
  const { name, outcome, progress, shrunk, replay } = report
  const { result } = outcome
  return [
    headline(name, outcome, progress),
    ...labelled('faults', faultLines(result.case)),
    ...labelled('failure', result.failure === undefined ? [] : failureLines(result.failure)),
    ...labelled('history', eventLines(result.lastEvents)),
    ...(shrunk === undefined ? [] : labelled('shrunk', shrunkLines(result, shrunk))),
    ...labelled('replay', replay),
    ...labelled(...verifiedLines(report)),
  ].join('\n')
}

function headline(name: string, { verdict, result }: CaseOutcome, progress: string | undefined): string {
  const { failure, case: simCase } = result
  const what = {
    passed: 'SIM PASSED',
    failed: 'SIM FAILED',
    inconclusive: 'SIM INCONCLUSIVE',
    nondeterministic: 'SIM NOT DETERMINISTIC',
  }[verdict]
  const invariant = failure === undefined || verdict === 'inconclusive' ? '' : `  invariant ${failure.invariant}`
  const when = failure === undefined ? endOf(result) : whenOf(failure)
  return `${what}  ${name}${invariant}  seed ${simCase.seed}  ${when}${progress === undefined ? '' : `  (${progress})`}`
}

function endOf({ virtualMs, events }: RunResult): string {
  return `t=${seconds(virtualMs)}  ${grouped(events)} events`
}

function whenOf({ atMs, event }: RunFailure): string {
  return `t=${seconds(atMs)}  event ${grouped(event)}`
}

/** Every fault of the case, and which kinds it has none of: nobody should have to guess what went on. */
function faultLines({ faults }: SimCase): string[] {
  const kinds = new Set<string>(faults.map(({ kind }) => kind))
  const off = Object.keys(allFaultKinds).filter((kind) => !kinds.has(kind))
  const on = faults.length === 0 ? ['none'] : faults.map(describeFault)
  return off.length === 0 ? on : [...on, `(off: ${off.join(', ')})`]
}

/** What was thrown was thrown somewhere. */
function failureLines({ message, stack = '' }: RunFailure): string[] {
  const frames = stack.split('\n').filter((line) => line.trimStart().startsWith('at '))
  return [...message.split('\n'), ...frames.slice(0, stackFramesShown)]
}

function shrunkLines(result: RunResult, { result: small, runs, realMs, code }: ShrunkCase): string[] {
  const [before, after] = [sizesOf(result), sizesOf(small)]
  const sizes = (['faults', 'ops', 'nodes'] as const).map((key) => `${before[key]} -> ${after[key]} ${key}`)
  const time = `${seconds(result.virtualMs)} -> ${seconds(small.virtualMs)}`
  return [
    `${sizes.join(', ')}, ${time}   (${runs} runs, ${seconds(realMs)}; same invariant)`,
    ...code.trimEnd().split('\n'),
  ]
}

function sizesOf({ case: simCase, ops }: RunResult): { faults: number; ops: number; nodes: number } {
  const skipped = new Set(simCase.skippedOps)
  const done = ops.filter((op) => !skipped.has(op)).length
  return { faults: simCase.faults.length, ops: done, nodes: simCase.nodes.length }
}

function verifiedLines({ outcome, elsewhere }: FailureReport): [string, string[]] {
  const { verdict, result, rerunHash, divergence } = outcome
  if (elsewhere === 'leak') {
    return [
      'leak',
      [
        'state leaks through a module: in a thread that ran other seeds before, this case runs otherwise than in a fresh one.',
        'Look for variables at the top of a module that a run changes.',
        ...(divergence === undefined ? [] : formatDivergence(divergence).split('\n')),
      ],
    ]
  }
  if (verdict === 'nondeterministic' || elsewhere === 'differs') {
    const where =
      divergence === undefined
        ? ['runs with a trace were equal: look for real time, chance, I/O, or state that a module keeps between runs.']
        : formatDivergence(divergence).split('\n')
    const hashes = verdict === 'nondeterministic' ? `hashes ${result.hash} and ${String(rerunHash)}; ` : ''
    return ['differs', [`${hashes}nothing else in this report can be relied on.`, ...where]]
  }
  const reruns = (rerunHash === undefined ? 0 : 1) + (elsewhere === 'same' ? 1 : 0)
  const threads = elsewhere === 'same' ? ', one of them in a fresh thread' : ''
  const times = `${reruns} ${reruns === 1 ? 're-run' : 're-runs'}${threads}`
  return [
    'verified',
    [`same trace hash ${result.hash} on ${times}; ${result.escapes.length} escapes`, ...result.escapes],
  ]
}

const labelWidth = 9

function labelled(label: string, lines: readonly string[]): string[] {
  return lines.map((line, index) => (index === 0 ? label : '').padEnd(labelWidth) + line)
}

function seconds(ms: number): string {
  return `${Number((ms / 1_000).toFixed(6))}s`
}

function grouped(count: number): string {
  return String(count).replaceAll(/\B(?=(?:\d{3})+$)/g, ',')
}
