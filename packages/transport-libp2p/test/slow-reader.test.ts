import { type ChildProcess, fork } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { defineApp, type Node, procedure, silentLog, startNode } from '@skerry/core'
import { libp2pTransport } from '@skerry/transport-libp2p'
import { expect, it, onTestFinished } from 'vitest'

const secret = 'the secret of these tests, 32 characters'
const program = fileURLToPath(new URL('./fixtures/member.mjs', import.meta.url))
const patience = { timeout: 30_000, interval: 20 }
const take = procedure({ name: 'take', run: (_ctx, bytes: Uint8Array) => bytes.length })
const echo = procedure({ name: 'echo', run: (_ctx, bytes: Uint8Array) => bytes })
const MiB = 1024 * 1024

// Of a stopped process the kernel goes on taking what is sent to it, and then no more.
it('a process that reads no more slows down who sends to it, and nobody else, and what waits for it is bounded', async () => {
  const cluster = randomUUID()
  const sender = await member('lax', cluster, [])
  const third = await member('fra', cluster, sender.addresses)
  const child = fork(program, [cluster, sender.addresses[0] ?? '', secret])
  onTestFinished(() => void child.kill('SIGKILL'))
  await Promise.all([isServed(sender, 'fra', echo), isReady(sender, child)])
  const body = new Uint8Array(64 * 1024)
  expect(await sender.rpcRegion('syd', take, body)).toBe(body.length)

  child.kill('SIGSTOP')
  const before = process.memoryUsage().arrayBuffers
  const failures: { code: string; outcome: string }[] = []
  const calls = Array.from({ length: 600 }, () =>
    sender.rpcRegion('syd', take, body).catch((error: { code: string; outcome: string }) => void failures.push(error)),
  )
  await expect.poll(() => failures.length, patience).toBeGreaterThan(100)
  const refused = failures.find(({ code }) => code === 'ERR_OVERLOADED')
  expect(refused).toMatchObject({ outcome: 'not-run' })
  // The frames that wait, what the sockets and lanes hold, and as much again that nobody has collected.
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(64 * MiB)
  for (let call = 0; call < 20; call += 1) {
    expect((await sender.rpcRegion('fra', echo, body)).length).toBe(body.length)
    expect((await third.rpcRegion('lax', echo, body)).length).toBe(body.length)
  }

  child.kill('SIGCONT')
  await Promise.all(calls)
  // By now it may be dead to the others, and comes back.
  const taken = (): Promise<number> => sender.rpcRegion('syd', take, body).catch(() => 0)
  await expect.poll(taken, patience).toBe(body.length)
}, 90_000)

async function member(region: string, cluster: string, seeds: readonly string[]): Promise<Node> {
  const node = await startNode(defineApp({ name: 'member', children: [], procedures: [echo] }), {
    region,
    primaryRegion: 'lax',
    log: silentLog,
    transport: libp2pTransport({ cluster, secrets: [secret], seeds }),
  })
  onTestFinished(() => node.stop())
  return node
}

async function isReady(sender: Node, child: ChildProcess): Promise<void> {
  await once(child, 'message')
  await isServed(sender, 'syd', take)
}

async function isServed(node: Node, region: string, by: typeof take | typeof echo): Promise<void> {
  await expect.poll(() => node.regionNodes(region).some((one) => node.isRpcSupported(one, by)), patience).toBe(true)
}
