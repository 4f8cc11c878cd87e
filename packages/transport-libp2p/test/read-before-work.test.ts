import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as immediate } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { defineApp, procedure, silentLog, startNode } from '@skerry/core'
import { libp2pTransport } from '@skerry/transport-libp2p'
import { describe, expect, it, onTestFinished } from 'vitest'

const secret = 'the secret of these tests, 32 characters'
const program = fileURLToPath(new URL('./fixtures/busy-node.mjs', import.meta.url))
const block = procedure({ name: 'busy.block', run: (): string => 'not here' })
const work = procedure({ name: 'busy.work', run: (_ctx, _input: string): string => 'not here' })
const count = procedure({ name: 'busy.count', run: (): number => -1 })

describe('a process that has not read for a while', () => {
  // More than the first read of the socket holds, too: 64 KB.
  // 4,000 bytes each: more than one read of the socket gives.
  it.each([
    ['main', 50, 4_000],
    ['own', 50, 5],
  ])(
    'begins nothing whose cancellation has come by then: transport on %s, %d calls with %d bytes',
    async (thread, calls, bytes) => {
      const { node, folder } = await busyProcess(thread)
      const blocked = node.rpcRegion('syd', block, undefined, { timeoutMs: 60_000 })
      await expect.poll(() => existsSync(join(folder, 'blocked'))).toBe(true)
      const controllers = Array.from({ length: calls }, () => new AbortController())
      const asked = controllers.map(({ signal }) =>
        node.rpcRegion('syd', work, 'x'.repeat(bytes), { signal, timeoutMs: 60_000 }).catch(codeOf),
      )
      await written()
      for (const controller of controllers) controller.abort()
      await written()
      expect(new Set(await Promise.all(asked))).toEqual(new Set(['ERR_RPC_ABORTED']))
      await writeFile(join(folder, 'go'), '')
      expect(await blocked).toBe('done')
      expect(await node.rpcRegion('syd', count, undefined)).toBe(0)
    },
    60_000,
  )
})

/** What was sent is in the socket: a frame is written within the turn of the event loop that made it, and encrypted there. */
async function written(): Promise<void> {
  for (let turns = 0; turns < 50; turns += 1) await immediate()
}

const codeOf = (error: unknown): string => (error as { readonly code: string }).code

async function busyProcess(thread: string) {
  const cluster = randomUUID()
  const folder = await mkdtemp(join(tmpdir(), 'skerry-busy-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const app = defineApp({ name: 'asks', children: [] })
  const transport = libp2pTransport({ cluster, secrets: [secret] })
  const node = await startNode(app, { region: 'lax', primaryRegion: 'syd', log: silentLog, transport })
  onTestFinished(() => node.stop())
  const child = spawn(process.execPath, [program, cluster, node.addresses[0] ?? '', secret, folder], {
    stdio: 'inherit',
    env: { ...process.env, SKERRY_TRANSPORT_THREAD: thread },
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  const isThere = (): boolean => node.regionNodes('syd').some((id) => node.isRpcSupported(id, count))
  await node.waitFor(isThere, 'the other process', { timeoutMs: 45_000 })
  return { node, folder }
}
