import type { NodeOptions } from '@skerry/core'
import { describe, expect, it } from 'vitest'
import { checkOptions, poolOptions } from '../../src/node/check-options.ts'
import { idempotencyLimitsDefault } from '../../src/rpc/idempotency-window.ts'
import { loadLimitsDefault } from '../../src/rpc/load-limits.ts'

const mebi = 1024 * 1024

describe('the options of a node', () => {
  it('have the defaults that their docs say', () => {
    expect(checkOptions({})).toEqual({
      bodyBytesMax: 64 * mebi,
      load: loadLimitsDefault,
      idempotency: idempotencyLimitsDefault,
    })
  })

  it('change what they name, and leave the rest', () => {
    expect(checkOptions({ bodyBytesMax: 2 * mebi, load: { waitingMax: 7 }, idempotency: { keepMs: 9 } })).toEqual({
      bodyBytesMax: 2 * mebi,
      load: { ...loadLimitsDefault, waitingMax: 7 },
      idempotency: { ...idempotencyLimitsDefault, keepMs: 9 },
    })
  })

  const good: NodeOptions[] = [
    { bodyBytesMax: 1_024 },
    { bodyBytesMax: 256 * mebi },
    { threadHeapMb: 16 },
    { threadHeapMb: Number.MAX_SAFE_INTEGER },
    { threadPool: {} },
    { threadPool: { size: 1, blockedMs: 50 } },
    { threadPool: { size: 64, blockedMs: 3_600_000 } },
    { threadPool: { blockedMs: 99.5 } },
    { spareThreads: 0 },
    { spareThreads: 16 },
    { threadSetup: 'file:///srv/telemetry.js' },
    { threadSetup: new URL('file:///srv/telemetry.js') },
    { load: { inFlightMax: 1 } },
  ]
  it.each(good)('may be %o', (options) => {
    expect(() => checkOptions(options)).not.toThrow()
  })

  const bad: [options: NodeOptions, message: string][] = [
    [{ bodyBytesMax: 1_023 }, 'bodyBytesMax must be a whole number from 1024 to 268435456, not 1023'],
    [{ bodyBytesMax: 256 * mebi + 1 }, 'bodyBytesMax must be a whole number from 1024 to 268435456, not 268435457'],
    [{ bodyBytesMax: 2_000.5 }, 'bodyBytesMax must be a whole number from 1024 to 268435456, not 2000.5'],
    [{ bodyBytesMax: NaN }, 'bodyBytesMax must be a whole number from 1024 to 268435456, not NaN'],
    [{ threadHeapMb: 15 }, 'threadHeapMb must be a whole number from 16, not 15'],
    [{ threadHeapMb: Infinity }, 'threadHeapMb must be a whole number from 16, not Infinity'],
    [{ threadPool: { size: 0 } }, 'threadPool.size must be a whole number from 1 to 64, not 0'],
    [{ threadPool: { size: 65 } }, 'threadPool.size must be a whole number from 1 to 64, not 65'],
    [{ threadPool: { blockedMs: 49 } }, 'threadPool.blockedMs must be from 50 to 3,600,000, not 49'],
    [{ threadPool: { blockedMs: 3_600_001 } }, 'threadPool.blockedMs must be from 50 to 3,600,000, not 3600001'],
    [{ threadPool: { blockedMs: NaN } }, 'threadPool.blockedMs must be from 50 to 3,600,000, not NaN'],
    [{ spareThreads: -1 }, 'spareThreads must be a whole number from 0 to 16, not -1'],
    [{ spareThreads: 17 }, 'spareThreads must be a whole number from 0 to 16, not 17'],
    [{ threadSetup: './telemetry.js' }, 'threadSetup must be a URL, as of `import.meta.url`, not ./telemetry.js'],
    [{ load: { perPeerMax: 0 } }, 'load.perPeerMax must be a whole number from 1, not 0'],
    [{ load: { bytesMax: 1.5 } }, 'load.bytesMax must be a whole number from 1, not 1.5'],
    [{ idempotency: { keepMs: 0 } }, 'idempotency.keepMs must be a whole number from 1, not 0'],
  ]
  it.each(bad)('are refused: %o', (options, message) => {
    const error = expect.objectContaining({ code: 'ERR_BAD_CONFIG', message: `options.${message}` })
    expect(() => checkOptions(options)).toThrow(error)
  })
})

it('an option that is undefined is one that is not given', () => {
  const undefinedOnes: object = { load: { inFlightMax: undefined }, idempotency: { keepMs: undefined } }
  expect(checkOptions(undefinedOnes)).toEqual(checkOptions({}))
})

describe('the pool of threads', () => {
  it('has as many as can run at the same time, 64 at most', () => {
    expect(poolOptions(undefined, 2)).toEqual({ size: 2, blockedMs: 5_000 })
    expect(poolOptions({}, 96)).toEqual({ size: 64, blockedMs: 5_000 })
  })

  it('has what its options say, each by itself', () => {
    expect(poolOptions({ size: 3 }, 2)).toEqual({ size: 3, blockedMs: 5_000 })
    expect(poolOptions({ blockedMs: 80 }, 2)).toEqual({ size: 2, blockedMs: 80 })
  })

  it('takes an option that is undefined for one that is not given', () => {
    const given: object = { size: undefined, blockedMs: undefined }
    expect(poolOptions(given, 2)).toEqual({ size: 2, blockedMs: 5_000 })
  })
})
