import { formatPid, type Pid } from '../actor/pid.ts'
import type { Failure } from '../actor/signal.ts'
import type { ChildSpec } from './child-spec.ts'

/** A child as `whichChildren` shows it. */
export interface ChildInfo {
  readonly id: string
  readonly pid: Pid | undefined
  readonly type: 'worker' | 'supervisor'
  readonly status: 'running' | 'restarting' | 'stopped'
  readonly behavior: string
}

export interface ChildCounts {
  readonly specs: number
  readonly active: number
  readonly supervisors: number
  readonly workers: number
}

/** One child of a static supervisor. */
export interface Child {
  readonly spec: ChildSpec
  pid: Pid | undefined
  status: 'running' | 'restarting' | 'stopped'
  /** When it was last up, while it is or until it is known how long it was; absent where no back-off asks for it. */
  upSinceMs: number | undefined
  /** The waits before its last restarts that count for the next one. */
  waits: number
  /** What will start it again. */
  retry: { readonly number: number; readonly cancel: () => void } | undefined
}

/** The children that a static supervisor holds. Beyond it there are dynamic ones, which find theirs faster. */
export const childrenMax = 10_000

export function newChild(spec: ChildSpec): Child {
  return { spec, pid: undefined, status: 'stopped', upSinceMs: undefined, waits: 0, retry: undefined }
}

export function childInfo({ spec, pid, status }: Child): ChildInfo {
  return { id: spec.id, pid, type: spec.type, status, behavior: spec.behavior.name }
}

export function childCounts(children: readonly Child[]): ChildCounts {
  return {
    specs: children.length,
    active: children.filter((one) => one.status === 'running').length,
    supervisors: children.filter((one) => one.spec.type === 'supervisor').length,
    workers: children.filter((one) => one.spec.type === 'worker').length,
  }
}

/** Why no child of that id may be added; `undefined` if it may. */
export function whyNotAdd(children: readonly Child[], id: string): Failure | undefined {
  const known = children.find((one) => one.spec.id === id)
  if (known === undefined) {
    if (children.length < childrenMax) return undefined
    return refusal('ERR_MAX_CHILDREN', `There are ${childrenMax} children, as many as there may be`)
  }
  if (known.status === 'stopped') return refusal('ERR_ALREADY_PRESENT', `The child "${id}" is stopped`)
  const where = known.pid === undefined ? 'is being restarted' : `runs as ${formatPid(known.pid)}`
  return refusal('ERR_ALREADY_STARTED', `The child "${id}" ${where}`)
}

/** Why the child is not known to be stopped, which it must be to be started by hand or forgotten; `undefined` if it is. */
export function whyNotStopped({ spec, status }: Child): Failure | undefined {
  if (status === 'stopped') return undefined
  if (status === 'running') return refusal('ERR_CHILD_RUNNING', `The child "${spec.id}" runs`)
  return refusal('ERR_CHILD_RESTARTING', `The child "${spec.id}" is being restarted`)
}

export function noSuchChild(id: unknown): Failure {
  return refusal('ERR_NO_CHILD', `There is no child "${typeof id === 'string' ? id : typeof id}"`)
}

function refusal(code: string, message: string): Failure {
  return { code, outcome: 'not-run', message }
}
