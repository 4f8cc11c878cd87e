import { SpanKind } from '@opentelemetry/api'
import { defineApp, type NodeOptions, procedure, silentLog, startNode } from '@skerry/core'
import { describe, expect, it, onTestFinished } from 'vitest'
import { onOwn, onPool } from '../fixtures/set-up-procedures.mjs'

const here = procedure({ name: 'setUp.here', run: () => 'here' })
const app = defineApp({ name: 'set-up', children: [], procedures: [onOwn, onPool, here] })
const setup = new URL('../fixtures/thread-setup.mjs', import.meta.url)
const throwing = new URL('../fixtures/setup-that-throws.mjs', import.meta.url)

// Each thread loads OpenTelemetry's SDK first.
const slow = { timeoutMs: 60_000 }

async function start(options: NodeOptions) {
  const node = await startNode(app, { log: silentLog, region: 'syd', ...options })
  onTestFinished(() => node.stop())
  return node
}

describe('a setup of threads', () => {
  it('[thread] has run, with what it awaits, before anything else there: what follows is in its spans', async () => {
    const node = await start({ threadSetup: setup })
    // The first call ends on the pool after it has answered; a further one on the same thread sees its span.
    const own = await node.rpcRegion('syd', onOwn, undefined, slow)
    expect(own).toContain(`setUp.onPool ${SpanKind.CLIENT}`)
    expect(await node.rpcRegion('syd', onPool, undefined, slow)).toContain(`setUp.onPool ${SpanKind.SERVER}`)
  }, 90_000)

  it('[thread] that throws ends its thread, as one that is lost while it boots, and nothing else', async () => {
    const node = await start({ threadSetup: String(throwing), spareThreads: 0 })
    const failed = { code: 'ERR_REMOTE_EXIT', outcome: 'not-run' }
    await expect(node.rpcRegion('syd', onOwn, undefined)).rejects.toMatchObject(failed)
    expect(await node.rpcRegion('syd', here, undefined)).toBe('here')
  }, 30_000)

  it('must be a URL', async () => {
    const starting = startNode(app, { log: silentLog, threadSetup: './telemetry.js' })
    await expect(starting).rejects.toMatchObject({ code: 'ERR_BAD_CONFIG' })
  })
})
