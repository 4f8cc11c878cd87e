import { manualPlatform } from '@skerry/testing'
import { describe, expect, it } from 'vitest'
import { Kernel } from '../../src/actor/kernel.ts'
import type { Envelope } from '../../src/actor/mailbox.ts'
import { msgpackCodec } from '../../src/codec/msgpack-codec.ts'
import type { LinkEndReason } from '../../src/mesh/link-end-reason.ts'
import { membershipServerName } from '../../src/mesh/membership-name.ts'
import type { Peer } from '../../src/mesh/peer.ts'
import { linkEvents, type LinkListeners } from '../../src/node/link-events.ts'

const peer = { node: 'b', life: 7, region: 'syd' } as Peer
const bytes = new Uint8Array([1, 2, 3])

function start() {
  const platform = manualPlatform()
  const kernel = new Kernel({ node: 'a', life: 1, thread: 0, platform, codec: msgpackCodec() })
  const said: unknown[][] = []
  const meshSaid: unknown[] = []
  const note =
    (name: string) =>
    (...args: unknown[]) =>
      void said.push([name, ...args])
  const router = Object.fromEntries(
    ['up', 'down', 'receive', 'receiveRecord', 'room', 'unreached'].map((name) => [name, note(`router ${name}`)]),
  ) as unknown as LinkListeners['router']
  const intake = { put: note('intake') } as unknown as LinkListeners['intake']
  kernel.nodes.add({ notify: note('watcher') })
  const events = linkEvents({
    kernel,
    router,
    intake,
    threads: { broadcast: note('threads') },
    failed: note('failed'),
  })
  const startMesh = (): void => {
    const handle = (envelope: Envelope) => void (envelope.type === 'message' && meshSaid.push(envelope.message))
    const createProcess = () => ({ init: () => undefined, handle })
    const mesh = { name: 'mesh', module: undefined, trapExit: false, mailboxLimit: 10, createProcess }
    kernel.spawn(mesh, [], { register: membershipServerName })
  }
  return { platform, kernel, events, said, meshSaid, startMesh }
}

describe('a connection', () => {
  it('is known to the router before anybody hears of it, who may answer at once', () => {
    const { events, said } = start()
    const message = { type: 'nodeUp', node: 'b', life: 7, region: 'syd' }
    events.up(peer)
    expect(said).toEqual([
      ['router up', peer],
      ['watcher', message],
      ['threads', message],
    ])
  })

  const ends: [reason: LinkEndReason, isInOrder: boolean, left: boolean][] = [
    ['goodbye', true, true],
    ['idle', true, false],
    ['closed', false, false],
    ['heartbeat', false, false],
    ['protocol', false, false],
  ]
  it.each(ends)('that ends as %s is in order: %s, and its node has left: %s', async (reason, isInOrder, left) => {
    const { platform, events, said, meshSaid, startMesh } = start()
    startMesh()
    events.up(peer)
    await platform.settle()
    said.length = 0
    events.down(peer, reason, 'for a test')
    await platform.settle()
    const message = { type: 'nodeDown', node: 'b', life: 7 }
    expect(said).toEqual([
      ['router down', peer, isInOrder],
      ['watcher', message],
      ['threads', message],
    ])
    expect(meshSaid).toEqual([
      { event: 'up', peer },
      { event: 'down', peer, left },
    ])
  })

  it('is told to nobody of the mesh while its actor is being restarted', async () => {
    const { platform, kernel, events, meshSaid, startMesh } = start()
    events.suspect(peer)
    startMesh()
    events.trusted(peer)
    events.stuck(peer)
    await platform.settle()
    expect(meshSaid).toEqual([{ event: 'trusted', peer }, { event: 'stuck' }])
    expect(kernel.counters.deadLetters).toBe(0)
  })
})

describe('what a link carries', () => {
  it('goes to the router, and what the mesh says to its intake', () => {
    const { events, said } = start()
    events.frame(peer, bytes)
    events.frameWithin(peer, bytes, 1, 2)
    events.control(peer, bytes)
    events.room(peer)
    events.unreached('c')
    expect(said).toEqual([
      ['router receive', peer, bytes],
      ['router receive', peer, bytes, 1, 2],
      ['intake', 'b', bytes],
      ['router room', peer],
      ['router unreached', 'c'],
    ])
  })
})

describe('what a transport could not carry', () => {
  it('is counted by what became of it', () => {
    const { kernel, events } = start()
    events.uncarried('dropped', 2)
    events.uncarried('lost', 3)
    events.uncarried('refused', 4)
    expect(kernel.counters).toMatchObject({ transportDrops: 2, transportLosses: 3, transportRefusals: 4 })
  })

  it('is counted as a refused link where it was refused here, and not by the peer', () => {
    const { kernel, events } = start()
    events.refused('c', { by: 'us', code: 'ERR_TOO_MANY_LINKS', text: '' })
    events.refused('c', { by: 'peer', code: 'ERR_WRONG_CLUSTER', text: '' })
    expect(kernel.counters.linksRefused).toBe(1)
  })
})
