import { bodyBytesMaxDefault, defaultCodecLimits } from '../codec/limits.ts'
import { type IdempotencyLimits, idempotencyLimitsDefault } from '../rpc/idempotency-window.ts'
import { type LoadLimits, loadLimitsDefault } from '../rpc/load-limits.ts'
import type { PoolOptions } from '../thread/node-threads.ts'
import { NodeError } from './errors.ts'
import type { NodeOptions, ThreadPoolOptions } from './node-options.ts'

/** The numbers of a node's options, checked, with their defaults. */
export interface CheckedOptions {
  readonly bodyBytesMax: number
  readonly load: LoadLimits
  readonly idempotency: IdempotencyLimits
}

/** What the codec takes. */
const bodyBytesMost = defaultCodecLimits.bytesMax

/** How many threads a pool may have. */
const poolSizeMax = 64

const blockedMsDefault = 5_000

/**
 * Checks what can be checked of the options alone, before anything begins: what the environment says as well is read by `node-config`.
 * Throws `ERR_BAD_CONFIG`, which names the option, what it may be and what it was.
 */
export function checkOptions(options: NodeOptions): CheckedOptions {
  const { bodyBytesMax = bodyBytesMaxDefault, spareThreads, threadHeapMb, threadPool, threadSetup } = options
  checkGiven('threadHeapMb', threadHeapMb, 16)
  checkGiven('threadPool.size', threadPool?.size, 1, poolSizeMax)
  checkBlockedMs(threadPool?.blockedMs)
  checkWhole('bodyBytesMax', bodyBytesMax, 1_024, bodyBytesMost)
  checkGiven('spareThreads', spareThreads, 0, 16)
  checkSetup(threadSetup)
  return {
    bodyBytesMax,
    load: checkedLimits('load', loadLimitsDefault, options.load),
    idempotency: checkedLimits('idempotency', idempotencyLimitsDefault, options.idempotency),
  }
}

/** The pool of a machine that runs `parallelism` threads at the same time. */
export function poolOptions(given: ThreadPoolOptions | undefined, parallelism: number): PoolOptions {
  return {
    size: given?.size ?? Math.min(parallelism, poolSizeMax),
    blockedMs: given?.blockedMs ?? blockedMsDefault,
  }
}

/** Every one of them is a whole number from 1; one that is `undefined` is one that is not given. */
function checkedLimits<Limits extends object>(name: string, defaults: Limits, given: Partial<Limits> = {}): Limits {
  const said = Object.entries(given).filter(([, most]) => most !== undefined)
  for (const [limit, most] of said) checkWhole(`${name}.${limit}`, most, 1)
  return { ...defaults, ...Object.fromEntries(said) }
}

function checkGiven(name: string, value: number | undefined, from: number, to?: number): void {
  if (value !== undefined) checkWhole(name, value, from, to)
}

function checkWhole(name: string, value: unknown, from: number, to = Infinity): void {
  if (Number.isSafeInteger(value) && (value as number) >= from && (value as number) <= to) return
  const range = to === Infinity ? `from ${from}` : `from ${from} to ${to}`
  throw new NodeError('ERR_BAD_CONFIG', `options.${name} must be a whole number ${range}, not ${String(value)}`)
}

function checkBlockedMs(blockedMs: number | undefined): void {
  if (blockedMs === undefined || (blockedMs >= 50 && blockedMs <= 3_600_000)) return
  const message = `options.threadPool.blockedMs must be from 50 to 3,600,000, not ${blockedMs}`
  throw new NodeError('ERR_BAD_CONFIG', message)
}

function checkSetup(setup: string | URL | undefined): void {
  if (setup === undefined || URL.canParse(String(setup))) return
  const message = `options.threadSetup must be a URL, as of \`import.meta.url\`, not ${String(setup)}`
  throw new NodeError('ERR_BAD_CONFIG', message)
}
