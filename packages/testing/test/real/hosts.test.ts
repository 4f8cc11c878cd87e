import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { hostKind } from '../../../../test/real/dist/host-commands.js'
import { hostLine } from '../../../../test/real/dist/host-kind.js'
import { openHosts } from '../../../../test/real/dist/host-ways.js'
import { ordersAreKept, ordersUnderFaults, regions } from '../../../../test/real/dist/orders.js'
import { RealCluster } from '../../../../test/real/dist/real-cluster.js'
import type { Way, Ways } from '../../../../test/real/dist/ways.js'

const names = Object.keys(regions)
const found = hostKind()
process.stderr.write(`${hostLine(found)}\n`)

// One way, in milliseconds, about a tenth of the real ones' distance between the farthest.
const delays: Readonly<Record<string, number>> = { 'lax syd': 70, 'fra lax': 45, 'fra syd': 110 }
const wayBetween = (from: string, to: string): Way => ({
  delayMs: delays[[from, to].toSorted().join(' ')]!,
  jitterMs: 5,
  loss: 0.01,
})

// As long as the troubles of the workload take.
const safetyMs = 24_000

/** How many of so many datagrams arrive, one every two milliseconds, and how long the fastest took. */
async function datagrams(
  ways: Ways,
  from: string,
  to: string,
  count: number,
): Promise<{ got: number; fastestMs: number }> {
  const receiver = spawnOn(ways, to, ['-e', receive])
  onTestFinished(() => void receiver.kill('SIGKILL'))
  const lines: string[] = []
  receiver.stdout!.setEncoding('utf8').on('data', (text: string) => lines.push(...text.trim().split('\n')))
  await expect.poll(() => lines[0]).toBe('bound')
  const address = /ip4\/([^/]+)/.exec(ways.berth(to).listen)![1]!
  await once(spawnOn(ways, from, ['-e', send, address, String(count)]), 'exit')
  receiver.stdin!.end()
  await once(receiver, 'close')
  const latenciesMs = lines.slice(1).map(Number)
  return { got: latenciesMs.length, fastestMs: Math.min(...latenciesMs) }
}

function spawnOn(ways: Ways, region: string, args: readonly string[]): ChildProcess {
  const { wrapper } = ways.berth(region)
  const [program, ...before] = [...wrapper, process.execPath]
  return spawn(program, [...before, ...args], { stdio: ['pipe', 'pipe', 'inherit'] })
}

// All hosts have one clock. Once nothing more is sent, what is still under way is waited for.
const receive = `
  const socket = require('node:dgram').createSocket('udp4')
  socket.on('message', (bytes) => console.log(Date.now() - Number(bytes)))
  socket.bind(4001, () => console.log('bound'))
  process.stdin.resume().on('end', () => setTimeout(() => socket.close(), 500))
`
const send = `
  const [address, count] = process.argv.slice(1)
  const socket = require('node:dgram').createSocket('udp4')
  let sent = 0
  const timer = setInterval(() => {
    socket.send(String(Date.now()), 4001, address)
    if (++sent < Number(count)) return
    clearInterval(timer)
    setTimeout(() => socket.close(), 100)
  }, 2)
`

describe.runIf('kind' in found)('lines between hosts', () => {
  it('delay, lose and cut packets, each direction as it was told', { timeout: 60_000 }, async () => {
    if ('missing' in found) return
    const ways = await openHosts(found.kind, ['a', 'b'], (from) => ({
      delayMs: from === 'a' ? 150 : 20,
      jitterMs: 0,
      loss: from === 'a' ? 0.5 : 0,
    }))
    onTestFinished(() => ways.close())
    const [there, back] = [await datagrams(ways, 'a', 'b', 300), await datagrams(ways, 'b', 'a', 300)]
    // Half of 300, which misses by 60 in one of a thousand million runs.
    expect(there.got).toBeGreaterThan(90)
    expect(there.got).toBeLessThan(210)
    expect(back.got).toBe(300)
    expect(there.fastestMs).toBeGreaterThanOrEqual(145)
    expect(back.fastestMs).toBeGreaterThanOrEqual(15)
    expect(back.fastestMs).toBeLessThan(150)
    const heal = ways.cut(['b'], ['a'])
    expect((await datagrams(ways, 'b', 'a', 50)).got).toBe(0)
    expect((await datagrams(ways, 'a', 'b', 50)).got).toBeGreaterThan(0)
    heal()
    expect((await datagrams(ways, 'b', 'a', 50)).got).toBe(50)
  })
})

/** Each node on a host of its own: the kernel's IP and TCP between them, over lines that are slow and lose packets. */
describe.runIf('kind' in found)('hosts', () => {
  let ways: Ways
  let cluster: RealCluster | undefined
  beforeAll(async () => {
    if ('missing' in found) return
    ways = await openHosts(found.kind, names, wayBetween)
    cluster = await RealCluster.start(names, 7, ways)
  }, 60_000)
  afterAll(() => cluster?.stop())

  it('keep the promises of the simulated workload while lines are cut and heal', { timeout: 120_000 }, async () => {
    const working = ordersUnderFaults(cluster!)
    await Promise.race([working, cluster!.advance(safetyMs)])
    cluster!.heal()
    await working
    expect(await ordersAreKept(cluster!)).toBeUndefined()
    const outcomes = new Set(cluster!.history.map(({ outcome }) => outcome))
    expect(outcomes).toEqual(new Set(['ok', 'fail', 'unknown']))
  })

  it('really are as far from each other as they should be', () => {
    const fromFra = cluster!.history.filter(
      ({ client, outcome }) => client % names.length === names.indexOf('fra') && outcome === 'ok',
    )
    const fastest = Math.min(...fromFra.map(({ invokedMs, returnedMs }) => returnedMs! - invokedMs))
    // There and back over the line to the primary.
    expect(fastest).toBeGreaterThan(2 * (110 - 5))
  })
})
