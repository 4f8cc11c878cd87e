import { type ChildProcess, fork } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { defineApp, type Log, type Node, silentLog, startNode } from '@skerry/core'
import { libp2pTransport } from '@skerry/transport-libp2p'
import { expect, it, onTestFinished } from 'vitest'

const secret = 'the secret of these tests, 32 characters'
const program = fileURLToPath(new URL('./fixtures/member.mjs', import.meta.url))
const patience = { timeout: 30_000, interval: 20 }

// Of a stopped process the kernel goes on taking what is sent to it: its links are half-open.
it('a process that is stopped is suspected, then dead, back when it goes on, and dead again when it is killed', async () => {
  const { observers, child, member } = await clusterOfThree()
  child.kill('SIGSTOP')
  for (const { node, events } of observers) {
    await expect.poll(() => events, patience).toContain(`dead ${member}`)
    expect(knows(node, member)).toBe(false)
    const [suspected, dead] = [events.indexOf(`suspected ${member}`), events.indexOf(`dead ${member}`)]
    expect(suspected).toBeGreaterThanOrEqual(0)
    expect(suspected).toBeLessThan(dead)
  }
  child.kill('SIGCONT')
  for (const { node } of observers) await expect.poll(() => knows(node, member), patience).toBe(true)
  for (const { events } of observers) events.splice(0)
  child.kill('SIGKILL')
  for (const { node, events } of observers) {
    await expect.poll(() => events, patience).toContain(`dead ${member}`)
    expect(knows(node, member)).toBe(false)
  }
}, 90_000)

interface Observer {
  readonly node: Node
  readonly events: string[]
}

/** Two nodes here that watch a third one. */
async function clusterOfThree(): Promise<{
  readonly observers: readonly Observer[]
  readonly child: ChildProcess
  readonly member: string
}> {
  const cluster = randomUUID()
  const first = await observer(cluster, [])
  const second = await observer(cluster, first.node.addresses)
  const child = fork(program, [cluster, first.node.addresses[0] ?? '', secret])
  onTestFinished(() => void child.kill('SIGKILL'))
  const [member] = (await once(child, 'message')) as [string]
  const observers = [first, second]
  for (const { node } of observers) await expect.poll(() => knows(node, member), patience).toBe(true)
  return { observers, child, member }
}

async function observer(cluster: string, seeds: readonly string[]): Promise<Observer> {
  const events: string[] = []
  const note = (fields: object, message: string): void => {
    const { node } = fields as { readonly node?: string }
    if (message === 'a node says nothing') events.push(`suspected ${node}`)
    if (message === 'a node is believed dead') events.push(`dead ${node}`)
  }
  const log: Log = { ...silentLog, info: note, warn: note }
  const node = await startNode(defineApp({ name: 'observer', children: [] }), {
    region: 'lax',
    primaryRegion: 'syd',
    log,
    transport: libp2pTransport({ cluster, secrets: [secret], seeds }),
  })
  onTestFinished(() => node.stop())
  return { node, events }
}

function knows(node: Node, member: string): boolean {
  return node.nodes().some((one) => one.node === member)
}
