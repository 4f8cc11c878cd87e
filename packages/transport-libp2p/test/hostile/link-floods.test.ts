import { randomBytes } from 'node:crypto'
import type { Stream } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { silentLog, systemPlatform } from '@skerry/core'
import type { Transport } from '@skerry/core/transport'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import {
  controlLane,
  decodeLinkMessage,
  encodeLinkMessage,
  protocolVersion,
} from '../../../core/src/mesh/link-message.ts'
import { defaultPeerLinkSettings } from '../../../core/src/mesh/peer-link-settings.ts'
import { readIdentity } from '../../src/identity.ts'
import { laneProtocol } from '../../src/lane-preamble.ts'
import { checkOptions } from '../../src/options.ts'
import { createSkerryLibp2p } from '../../src/v2/create-libp2p.ts'
import { cluster, expectBounded, secret, startHostile, startMember, startVictim, type Victim } from './hostile-world.ts'

// Each starts a process and floods it: on a busy machine that takes its time.
vi.setConfig({ testTimeout: 60_000 })

describe('a member that opens link after link', () => {
  it('of another cluster has each refused, or closed at once while sixteen wait for their end; all are counted, and others come in and call', async () => {
    const victim = await startVictim()
    const { callVictim } = await startMember(victim)
    const before = await victim.report()
    const { transport, id } = await startStranger(victim)
    let [refused, closedAtOnce, broken] = [0, 0, 0]
    const openOneAfterAnother = async (): Promise<void> => {
      while (closedAtOnce < 8 || refused < 4 * greetingLinksPerPeerMax) {
        const how = await openRefused(victim, transport, id)
        if (how === 'ERR_WRONG_CLUSTER') refused += 1
        else if (how === 'closed') closedAtOnce += 1
        else broken += 1
      }
    }
    // It closes none of them: the victim does. One connection carries 32 links.
    const flood = Promise.all(Array.from({ length: greetingLinksPerPeerMax + 8 }, openOneAfterAnother))
    expect(await callVictim()).toBe('here')
    await flood
    expect(await callVictim()).toBe('here')
    const newcomer = await startHostile(victim)
    const after = await victim.report()
    const counted = (after.counters['linksRefused'] ?? 0) - (before.counters['linksRefused'] ?? 0)
    expect(counted).toBeGreaterThanOrEqual(refused + closedAtOnce)
    expect(counted).toBeLessThanOrEqual(refused + closedAtOnce + broken)
    expect(after.nodes.map(({ id: node }) => node)).not.toContain(id)
    expectBounded(before, after)
    newcomer.link.close('enough')
  })

  it('and never all lanes of one costs no memory, and others call', async () => {
    const victim = await startVictim()
    const { callVictim } = await startMember(victim)
    const before = await victim.report()
    const flooder = await createSkerryLibp2p(
      checkOptions({ cluster, secrets: [secret] }),
      await readIdentity(undefined),
      silentLog,
      () => undefined,
    )
    onTestFinished(() => flooder.stop())
    await flooder.start()
    let [resets, broken] = [0, 0]
    // Those that are kept end with the connection: one without a link is closed after two seconds. Then it comes again.
    const openOne = async (): Promise<void> => {
      const connection = await flooder.dial(multiaddr(victim.address))
      await firstLaneOf(await connection.newStream(laneProtocol))
      if (connection.status === 'open') resets += 1
    }
    const openOneAfterAnother = async (): Promise<void> => {
      while (resets < 60) {
        await openOne().catch(() => void (broken += 1))
      }
    }
    const flood = Promise.all(Array.from({ length: halfOpenPerPeerMax * 2 }, openOneAfterAnother))
    expect(await callVictim()).toBe('here')
    await flood
    expect(broken).toBeLessThan(resets)
    expect(await callVictim()).toBe('here')
    expectBounded(before, await victim.report())
  })
})

const { greetingLinksPerPeerMax } = defaultPeerLinkSettings
const halfOpenPerPeerMax = 8

async function startStranger(victim: Victim): Promise<{ transport: Transport; id: string }> {
  const transport = victim.mesh.hostile({})
  onTestFinished(() => transport.stop())
  const { id } = await transport.start({ accepted() {}, found() {} }, systemPlatform({ log: silentLog }))
  return { transport, id }
}

/**
 * A link with the hello of another cluster, until the victim closes it. What it gives back: the code with which it was refused, `closed`, or `broken` if the
 * connection ended, which the victim closes when it has carried no link for two seconds.
 */
async function openRefused(victim: Victim, transport: Transport, id: string): Promise<string> {
  const link = await transport.dial(victim.address, victim.id, new AbortController().signal).catch(() => undefined)
  if (link === undefined) return 'broken'
  const lane = link.lane(controlLane)
  let code: string | undefined
  lane.onFrame((frame) => {
    const message = decodeLinkMessage(frame)
    if (message.kind === 'refuse') code = message.code
  })
  lane.send(
    encodeLinkMessage({
      kind: 'hello',
      greeting: {
        protocolVersion,
        protocolVersionMin: protocolVersion,
        cluster: 'another',
        node: id,
        life: 1,
        region: 'nowhere',
        addresses: [],
        epoch: 1,
        frameBytesMax: 0,
        meshVersion: 2,
      },
    }),
  )
  const { local, reason } = await link.closed
  expect(local).toBe(false)
  return code ?? (reason === 'The peer closed the link' ? 'closed' : 'broken')
}

/** Says that the stream is lane 0 of a new link, and nothing more. Resolves when the victim resets it. */
async function firstLaneOf(stream: Stream): Promise<void> {
  const over = new Promise<void>((resolve) => {
    const read = async (): Promise<void> => {
      for await (const _ of stream.source);
    }
    read().then(resolve, () => resolve())
  })
  async function* preamble(): AsyncGenerator<Uint8Array> {
    yield Uint8Array.of(...randomBytes(16), 0)
    await over
  }
  stream.sink(preamble()).catch(() => undefined)
  await over
}
