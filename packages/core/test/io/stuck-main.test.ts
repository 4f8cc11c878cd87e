import { manualPlatform } from '@skerry/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createMemoryTransport } from '../../src/mesh/memory-transport.ts'
import { createPeerLinks } from '../../src/mesh/peer-links.ts'
import type { PeerLinksEvents } from '../../src/mesh/peer-links-events.ts'
import type { Platform } from '../../src/platform/platform.ts'
import { beatIoWords, type MainPulse, newIoWords, nextMainPulse, readIoWords } from '../../src/io/io-words.ts'
import { portedTransport } from './turns-thread.ts'

describe('a node whose main thread is stuck', () => {
  it('keeps its links on a transport of its own thread, is said to be stuck, and not any more once it beats', async () => {
    const { platform, heard, stick, unstick, state } = await twoNodes('own')
    await platform.advance(2_000)
    heard.splice(0)
    const { epoch } = state()
    stick()
    await platform.advance(1_500)
    expect(heard).toEqual([])
    await platform.advance(1_500)
    expect(heard).toEqual(['stuck: true'])
    await platform.advance(7_000)
    expect(heard).toEqual(['stuck: true'])
    expect(state().rttMs).toBeLessThan(50)
    unstick()
    await platform.advance(2_000)
    expect(heard).toEqual(['stuck: true', 'stuck: false'])
    expect(state()).toMatchObject({ epoch, isStuck: false })
  })

  it('stays linked however long it lasts, though the peer goes on to say things', async () => {
    const { platform, heard, stick, unstick, sayTo, state } = await twoNodes('own')
    await platform.advance(2_000)
    heard.splice(0)
    const { epoch } = state()
    stick()
    for (let second = 0; second < 3_600; second += 60) {
      expect(sayTo()).toBe('sent')
      await platform.advance(60_000)
    }
    unstick()
    await platform.advance(2_000)
    expect(heard).toEqual(['stuck: true', 'stuck: false'])
    expect(state()).toMatchObject({ epoch })
  })

  it('loses its links where its transport runs on main', async () => {
    const { platform, heard, stick } = await twoNodes('main')
    await platform.advance(2_000)
    heard.splice(0)
    stick()
    await platform.advance(10_000)
    expect(heard).toEqual(['suspect', 'down: heartbeat'])
  })
})

describe('the pulse of main', () => {
  const begun: MainPulse = { beats: 3, stuckMs: 0, lookedAt: 1_000 }

  it('counts the time without a beat, and begins anew with one', () => {
    const stuck = nextMainPulse(nextMainPulse(begun, 3, 1_100, 100), 3, 1_210, 100)
    expect(stuck.stuckMs).toBe(210)
    expect(nextMainPulse(stuck, 4, 1_310, 100)).toEqual({ beats: 4, stuckMs: 0, lookedAt: 1_310 })
  })

  it('does not take a pause of the machine for a stuck thread', () => {
    expect(nextMainPulse(begun, 3, 61_000, 100).stuckMs).toBe(200)
  })

  it('is written and read in shared memory', () => {
    const words = newIoWords()
    beatIoWords(words, { load: 0.25, inFlight: 7 })
    beatIoWords(words, { load: 0.5, inFlight: 4_000_000_000 })
    expect(readIoWords(words)).toEqual({ beats: 2, load: 0.5, inFlight: 4_000_000_000 })
  })
})

async function twoNodes(thread: 'own' | 'main') {
  const platform = manualPlatform()
  const hub = `stuck-${thread}`
  const create = () => createMemoryTransport({ hub, id: 'stuck' })
  const ported = portedTransport(create, platform)
  let isStuck = false
  const due: (() => void)[] = []
  // Main's timers and turns do not run while it is stuck.
  const whenAwake = (run: () => void) => () => {
    if (isStuck) due.push(run)
    else run()
  }
  const main: Platform = {
    ...platform,
    clock: { ...platform.clock, after: (ms, run) => platform.clock.after(ms, whenAwake(run)) },
    turns: { enqueue: (turn) => platform.turns.enqueue({ runTurn: whenAwake(() => turn.runTurn()) }) },
  }
  const heard: string[] = []
  const silent: PeerLinksEvents = {
    up() {},
    down() {},
    frame() {},
    control() {},
    suspect() {},
    trusted() {},
    refused() {},
  }
  const stuck = createPeerLinks({
    transport: thread === 'own' ? ported.transport : create(),
    platform: main,
    self: { life: 1, cluster: 'c', region: 'syd' },
    on: silent,
  })
  const peer = createPeerLinks({
    transport: createMemoryTransport({ hub, id: 'peer' }),
    platform,
    self: { life: 2, cluster: 'c', region: 'lax' },
    on: {
      ...silent,
      down: (_peer, reason) => heard.push(`down: ${reason}`),
      suspect: () => heard.push('suspect'),
      stuck: ({ node }) => heard.push(`stuck: ${peer.measured(node)?.isStuck}`),
    },
  })
  const unstick = (): void => {
    isStuck = false
    ported.wake()
    for (const run of due.splice(0)) run()
  }
  onTestFinished(async () => {
    unstick()
    await Promise.all([stuck.stop('over'), peer.stop('over'), platform.advance(20_000)])
  })
  await Promise.all([stuck.start(), peer.start(), platform.advance(1)])
  peer.addSeed(`memory:${hub}/stuck`)
  return {
    platform,
    heard,
    stick() {
      isStuck = true
      ported.sleep()
    },
    unstick,
    sayTo: () => peer.sendControl('stuck', new Uint8Array(1_000)),
    state: () => peer.linkTo('stuck') as NonNullable<ReturnType<typeof peer.linkTo>>,
  }
}
