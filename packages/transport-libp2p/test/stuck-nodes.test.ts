import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { fileURLToPath } from 'node:url'
import { defineApp, type Node, type NodeOptions, type Pid, procedure, silentLog, startNode } from '@skerry/core'
import { libp2pTransport } from '@skerry/transport-libp2p'
import { describe, expect, it, onTestFinished } from 'vitest'
import { bondChildren, bondProcedures, bondsOf } from './fixtures/bonds.mjs'
import { freePort } from '../../core/test/fixtures/free-port.ts'

const secret = 'the secret of these tests, 32 characters'
const program = fileURLToPath(new URL('./fixtures/stuck-node.mjs', import.meta.url))
const mortal = new URL('./fixtures/mortal-transport.mjs', import.meta.url).href
const block = procedure({ name: 'stuck.block', run: (_ctx, _ms: number): string => 'not here' })
const whoami = procedure({ name: 'stuck.whoami', run: (ctx): string => ctx.self.node })
const blockedMs = 10_000
const patience = { timeout: 30_000 }

describe('a process whose main thread is blocked for ten seconds', () => {
  it('keeps its links with the transport on a thread of its own, is routed around meanwhile, and comes back', async () => {
    const { here, stuck, downs, blocked, bonds, kill } = await blockedProcess('own')
    await expect.poll(() => infoOf(here, stuck)?.isStuck).toBe(true)
    const other = here.regionNodes('syd').find((node) => node !== stuck)
    const { taken, nodes } = here.explain('syd', whoami)
    expect(taken).toBe(other)
    expect(nodes.find(({ node }) => node === stuck)?.verdict).toBe('stuck')
    for (let call = 0; call < 20; call += 1) expect(await here.rpcRegion('syd', whoami, undefined)).toBe(other)
    expect(await blocked).toBe('done')
    await expect.poll(() => infoOf(here, stuck)?.isStuck).toBe(false)
    expect(await here.rpc(stuck, whoami, undefined)).toBe(stuck)
    expect(downs).toEqual([])
    expect([await bonds.told('ours'), await bonds.told('theirs')]).toEqual([[], []])
    kill()
    await expect.poll(() => bonds.told('ours')).toEqual(lostOnce)
  }, 60_000)

  it('loses its links with the transport on main: both ends are told once of all that crossed them, and have new ones', async () => {
    const { here, stuck, downs, blocked, bonds, kill } = await blockedProcess('main')
    await expect(blocked).rejects.toMatchObject({ code: 'ERR_NODE_LOST', outcome: 'unknown' })
    expect(downs).toEqual([stuck])
    await expect.poll(() => bonds.told('ours')).toEqual(lostOnce)
    // It reads of the end of its links when it can read again, and is a member as before.
    await expect.poll(() => here.rpc(stuck, whoami, undefined).catch(() => 'not yet'), patience).toBe(stuck)
    await expect.poll(() => bonds.told('theirs')).toEqual(lostOnce)
    expect([await bonds.told('ours'), downs]).toEqual([lostOnce, [stuck]])
    await bonds.bind()
    kill()
    const twice = lostOnce.flatMap((line) => [line, line])
    await expect.poll(() => bonds.told('ours')).toEqual(twice)
    expect(downs).toEqual([stuck, stuck])
  }, 60_000)
})

describe('a node whose transport loses its thread', () => {
  it('loses its links at once, and has them again on the next thread', async () => {
    const kill = new Int32Array(new SharedArrayBuffer(4))
    const listen = [`/ip4/127.0.0.1/tcp/${await freePort()}`]
    const cluster = randomUUID()
    const node = await started('syd', {
      module: mortal,
      export: 'createMortalTransport',
      options: { kill, cluster, secrets: [secret], listen },
      thread: 'own',
    })
    const other = await started('lax', libp2pTransport({ cluster, secrets: [secret], seeds: node.addresses }))
    await other.waitForRegion('syd')
    const { downs } = watchDowns(other)
    expect(await other.rpc(node.id, whoami, undefined)).toBe(node.id)
    Atomics.store(kill, 0, 1)
    await expect.poll(() => downs).toEqual([node.id])
    await expect.poll(() => other.rpc(node.id, whoami, undefined).catch(() => 'not yet')).toBe(node.id)
  })

  it('ends, and says so, when the next thread would be found elsewhere', async () => {
    const kill = new Int32Array(new SharedArrayBuffer(4))
    const node = await started('syd', {
      module: mortal,
      export: 'createMortalTransport',
      options: { kill, cluster: randomUUID(), secrets: [secret] },
      thread: 'own',
    })
    Atomics.store(kill, 0, 1)
    const end = await node.closed
    process.exitCode = 0
    expect(end).toMatchObject({ kind: 'failed' })
    expect(end.detail).toContain('The thread of the transport was lost')
  })
})

async function blockedProcess(thread: 'own' | 'main') {
  const cluster = randomUUID()
  const here = await started('lax', libp2pTransport({ cluster, secrets: [secret] }))
  const seeds = here.addresses
  await started('syd', libp2pTransport({ cluster, secrets: [secret], seeds }))
  await here.waitForRegion('syd')
  const { downs } = watchDowns(here)
  const child = spawn(process.execPath, [program, cluster, seeds[0] ?? '', secret], {
    stdio: 'inherit',
    // As a deploy would say it, with the same program.
    env: { ...process.env, SKERRY_TRANSPORT_THREAD: thread },
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  const serves = (): string | undefined => here.nodes().find(({ procedures }) => procedures.some(isBlock))?.node
  await here.waitFor(() => serves() !== undefined, 'the other process', { timeoutMs: 30_000 })
  const stuck = serves() as string
  const bonds = await bound(here, stuck)
  const blocked = here.rpc(stuck, block, blockedMs, { timeoutMs: 40_000 })
  // Whoever awaits it sees it; until then it is nobody's.
  blocked.catch(() => undefined)
  return { here, stuck, downs, blocked, bonds, kill: () => void child.kill('SIGKILL') }
}

interface Bonds {
  readonly bond: Pid<{
    call: { bind(others: Bonds): void; told(): string[] }
  }>
  readonly mute: Pid
}

/** What each end of a bond is told when the other node is lost, in order of the alphabet. */
const lostOnce = [
  'DOWN noconnection',
  'EXIT noconnection',
  'call ERR_NOCONNECTION unknown',
  'rpc ERR_NODE_LOST unknown',
]

/** Actors of both nodes that are bound to each other in every way. */
async function bound(here: Node, stuck: string) {
  const ends = {
    ours: await here.rpc(here.id, bondsOf, undefined),
    theirs: await here.rpc(stuck, bondsOf, undefined),
  } as { readonly ours: Bonds; readonly theirs: Bonds }
  const bind = async (): Promise<void> => {
    await here.call(ends.ours.bond, 'bind', [ends.theirs])
    await here.call(ends.theirs.bond, 'bind', [ends.ours])
  }
  await bind()
  const told = async (end: keyof typeof ends): Promise<string[]> =>
    [...(await here.call(ends[end].bond, 'told', []))].sort()
  return { bind, told }
}

const isBlock = ({ name }: { readonly name: string }): boolean => name === block.name

async function started(region: string, transport: NonNullable<NodeOptions['transport']>): Promise<Node> {
  const app = defineApp({ name: 'whoami', children: bondChildren, procedures: [whoami, ...bondProcedures] })
  const node = await startNode(app, { region, primaryRegion: 'syd', log: silentLog, transport })
  onTestFinished(() => node.stop())
  return node
}

function watchDowns(node: Node): { downs: string[] } {
  const downs: string[] = []
  const onDown = (event: unknown): void => {
    const { node: at, peer } = event as { node: string; peer: string }
    if (at === node.id) downs.push(peer)
  }
  subscribe('skerry:peer.down', onDown)
  onTestFinished(() => void unsubscribe('skerry:peer.down', onDown))
  return { downs }
}

function infoOf(node: Node, id: string) {
  return node.nodes().find((info) => info.node === id)
}
