import { describe, expect, it } from 'vitest'
import { GossipWatchdog } from '../src/gossip-watchdog.ts'
import type { LineConnection } from '../src/line.ts'
import { handClock, testPlatform } from './test-platform.ts'

const beatMs = 1_000
const healMs = 5_000

describe('the gossip watchdog', () => {
  it('forgets a dead stream and meets the peer anew after three beats without an open one', () => {
    const { beat, met, forgotten } = watched([connection('a', [])])
    beat(2)
    expect(met).toEqual([])
    beat(1)
    expect([met, forgotten]).toEqual([['a'], ['a']])
  })

  it('tries again every three beats while it lasts, and begins anew once there is a stream', () => {
    const lines = [connection('a', [])]
    const { beat, met } = watched(lines)
    beat(9)
    expect(met).toEqual(['a', 'a', 'a'])
    lines.splice(0, 1, connection('a', [gossipOut]))
    beat(3)
    lines.splice(0, 1, connection('a', []))
    beat(2)
    expect(met).toEqual(['a', 'a', 'a'])
    beat(1)
    expect(met).toHaveLength(4)
  })

  it('leaves a peer alone whose stream is on another of its connections', () => {
    const { beat, met } = watched([connection('a', []), connection('a', [gossipOut])])
    beat(6)
    expect(met).toEqual([])
  })

  it('meets a peer over the connection that is left when the one with the stream is closed', () => {
    const lines = [connection('a', [gossipOut]), connection('a', [])]
    const { beat, met } = watched(lines)
    beat(3)
    lines.splice(0, 1, connection('a', [gossipOut], 'closed'))
    beat(3)
    expect(met).toEqual(['a'])
  })

  it('counts only a stream that is open, ours, and of gossip', () => {
    const { beat, met } = watched([
      connection('a', [
        { ...gossipOut, direction: 'inbound' },
        { ...gossipOut, status: 'reset' },
        { ...gossipOut, protocol: '/skerry/lane/2.0.0' },
      ]),
    ])
    beat(3)
    expect(met).toEqual(['a'])
  })

  it('gives up a peer that does not answer, and says so', async () => {
    const { beat, clock, log } = watched([connection('a', [])], 'silent')
    beat(3)
    expect(clock.fire(healMs)).toBe(1)
    await expect
      .poll(() => log)
      .toEqual(['Renews the gossip stream to a peer', 'The gossip stream to a peer could not be renewed'])
    expect(clock.fire(healMs)).toBe(0)
  })

  it('does nothing any more once it is stopped', () => {
    const { beat, watchdog, met, clock } = watched([connection('a', [])])
    beat(2)
    watchdog.stop()
    expect(clock.fire(beatMs)).toBe(0)
    expect(met).toEqual([])
  })
})

const gossipOut = { direction: 'outbound', status: 'open', protocol: '/meshsub/1.2.0' }

function connection(peer: string, streams: readonly object[], status = 'open'): LineConnection {
  return { remotePeer: { toString: () => peer }, streams, status } as unknown as LineConnection
}

function watched(connections: LineConnection[], peers: 'answering' | 'silent' = 'answering') {
  const met: string[] = []
  const forgotten: string[] = []
  const log: string[] = []
  const clock = handClock()
  const renewGossip = (to: LineConnection, signal: AbortSignal): Promise<void> => {
    met.push(to.remotePeer.toString())
    if (peers === 'answering') return Promise.resolve()
    return new Promise((_resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason as Error))
    })
  }
  const node = {
    connections: () => connections,
    renewGossip,
    gossip: { forget: (peer: string) => void forgotten.push(peer) },
  }
  const said = (_fields: object, message: string): void => void log.push(message)
  const watchdog = new GossipWatchdog(node, clock, { ...testPlatform().log, info: said, warn: said })
  watchdog.start()
  return {
    watchdog,
    met,
    forgotten,
    log,
    clock,
    beat(times: number) {
      for (let beat = 0; beat < times; beat += 1) expect(clock.fire(beatMs)).toBe(1)
    },
  }
}
