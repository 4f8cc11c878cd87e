import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { defineApp, procedure, silentLog, startNode } from '@skerry/core'
import { libp2pTransport } from '@skerry/transport-libp2p'
import { describe, expect, it, onTestFinished } from 'vitest'
import { failureSuite } from '../../core/test/rpc/failure-suite.ts'

const secret = 'the secret of these tests, 32 characters'

failureSuite({
  name: 'libp2p',
  spec: (mesh, { seeds, secret: other = secret, maxFrameBytes }) =>
    libp2pTransport({
      cluster: mesh,
      secrets: [other],
      seeds,
      ...(maxFrameBytes !== undefined && { maxFrameBytes }),
    }),
})

const script = fileURLToPath(new URL('./fixtures/doomed-node.mjs', import.meta.url))

/** What the process in `fixtures/doomed-node.mjs` offers. */
const waitsThere = procedure({ name: 'doomed.waits', run: (_ctx, _input: undefined): string => 'never' })

describe('a node in another process that is killed', () => {
  it('in the middle of a call rejects it as unknown', async () => {
    const app = defineApp({ name: 'survivor', children: [] })
    const transport = libp2pTransport({ cluster: 'doom', secrets: [secret] })
    const node = await startNode(app, { region: 'lax', primaryRegion: 'syd', transport, log: silentLog })
    onTestFinished(() => node.stop())
    const doomed = spawn(process.execPath, [script, node.addresses[0] as string, secret], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    onTestFinished(() => void doomed.kill('SIGKILL'))
    await node.waitForRegion('syd')
    await node.waitFor(() => node.regionNodes('syd').some((id) => node.isRpcSupported(id, waitsThere)), 'its procedure')
    const call = node.rpcPrimary(waitsThere, undefined, { timeoutMs: 60_000 })
    // It says so when its process has begun.
    await once(doomed.stdout, 'data')
    doomed.kill('SIGKILL')
    await expect(call).rejects.toMatchObject({ name: 'RpcError', code: 'ERR_NODE_LOST', outcome: 'unknown' })
  })
})
