import { manualPlatform } from '@skerry/testing'
import { describe, expect, it } from 'vitest'
import { type Kernel, limitedBy } from '../../src/actor/kernel.ts'
import type { Signal } from '../../src/actor/signal.ts'
import { msgpackCodec } from '../../src/codec/msgpack-codec.ts'
import type { BlockSlice } from '../../src/mesh/block-slice.ts'
import { decodeNotice, decodeSignal, encodeNotice } from '../../src/mesh/frame.ts'
import { HeldBytes } from '../../src/base/held-bytes.ts'
import { linkHeaderBytes } from '../../src/mesh/link-message.ts'
import { NodeRouter } from '../../src/mesh/node-router.ts'
import type { PeerLinks } from '../../src/mesh/peer-links.ts'
import { LimitedLog } from '../../src/platform/limited-log.ts'

const here = { node: 'here', life: 1, thread: 0, serial: 7 }

const nothing = (): void => undefined
/** What these routers don't use. */
const unasked = {
  isOpenToMembers: false,
  letters: new HeldBytes({ bytesMax: 0, perPeerBytesMax: 0 }),
  deliver: nothing,
  inbox: nothing,
  lost: nothing,
  sparse: { reach: () => false, unreachable: nothing, isSpare: () => false, crosses: async () => true },
}

/** A router with links on which nothing is ever sent: what it says of a monitor on an actor of `there`. */
function routerTo() {
  const bounced: string[] = []
  const kernel = {
    platform: { clock: {} },
    bounce: (_signal: Signal, reason: string) => bounced.push(reason),
    sendOut: () => undefined,
  } as unknown as Kernel
  const links = { send: () => 'sent' } as unknown as PeerLinks
  const router = new NodeRouter({ ...unasked, kernel, links })
  const monitor = (life: number): string | undefined => {
    router.route({ type: 'monitor', from: here, to: { node: 'there', life, thread: 0, serial: 3 }, ref: 1 })
    return bounced.pop()
  }
  const meet = (life: number): void => router.up({ node: 'there', life, region: '', roles: [], addresses: [] })
  const lose = (life: number): void => router.down({ node: 'there', life })
  return { monitor, meet, lose }
}

describe('NodeRouter', () => {
  it('logs few of the frames of a peer that can not be read, and counts all', async () => {
    const platform = manualPlatform()
    const counters = { undecodable: 0 }
    const limitedLog = new LimitedLog(platform, { by: limitedBy })
    const kernel = { platform, codec: msgpackCodec(), counters, limitedLog } as unknown as Kernel
    const router = new NodeRouter({ ...unasked, kernel, links: {} as PeerLinks })
    for (let at = 0; at < 1_000; at += 1) router.receive({ node: 'there', life: 1 }, Uint8Array.of(1))
    expect([counters.undecodable, platform.log.entries.length]).toEqual([1_000, 8])
    router.receive({ node: 'other', life: 1 }, Uint8Array.of(1))
    await platform.advance(60_000)
    router.receive({ node: 'there', life: 1 }, Uint8Array.of(1))
    expect(platform.log.entries.slice(8).map(({ fields }) => fields)).toMatchObject([
      { peer: 'other' },
      { leftOut: 992 },
      { peer: 'there' },
    ])
  })

  it('knows that a life is over when a link to a later one came up, whatever their numbers', () => {
    const { monitor, meet, lose } = routerTo()
    meet(500)
    lose(500)
    // The clock was set back meanwhile.
    meet(300)
    expect(monitor(500)).toBe('noproc')
    lose(300)
    meet(400)
    expect([monitor(500), monitor(300)]).toEqual(['noproc', 'noproc'])
  })

  it('says noconnection of a life that it never met: the link may be to one that is over', () => {
    const { monitor, meet } = routerTo()
    meet(500)
    expect([monitor(501), monitor(499)]).toEqual(['noconnection', 'noconnection'])
  })

  it('says noconnection of every life while there is no link', () => {
    const { monitor, meet, lose } = routerTo()
    expect(monitor(500)).toBe('noconnection')
    meet(500)
    lose(500)
    expect(monitor(500)).toBe('noconnection')
  })

  it('keeps an item of a stream that finds the way full, and all that is sent behind it, until there is room', () => {
    const sent: string[] = []
    const unread: string[] = []
    let hasRoom = false
    const kernel = {
      platform: { clock: {} },
      codec: msgpackCodec(),
      sendOut: () => undefined,
      counters: { unsent: 0 },
      route: () => {
        throw new Error('the stream was told to end')
      },
    } as unknown as Kernel
    const sendMessage = (_node: string, message: BlockSlice): string => {
      if (!hasRoom) return 'overloaded'
      const { type, to } = decodeSignal(message.view().subarray(linkHeaderBytes), peer, there, kernel.codec)
      sent.push(`${type} ${to.serial}`)
      return 'sent'
    }
    const router = new NodeRouter({
      kernel,
      links: {
        sendMessage,
        recordsTo: () => undefined,
        frameBytesMax: 1_000_000,
        unread: (node: string) => unread.push(node),
      } as unknown as PeerLinks,
      ...unasked,
    })
    const peer = { node: 'here', life: 1, region: '', roles: [], addresses: [] }
    const there = { node: 'there', life: 1 }
    const item = (seq: number, serial: number): void =>
      router.route({ type: 'item', from: here, to: { ...there, thread: 0, serial }, seq, item: new Uint8Array(10) })
    router.up({ ...peer, node: 'there' })
    item(0, 1)
    item(1, 1)
    hasRoom = true
    item(0, 2)
    router.route({ type: 'itemsEnd', from: here, to: { ...there, thread: 0, serial: 1 } })
    expect(sent).toEqual(['item 2'])
    router.room({ node: 'there', life: 1 })
    expect(sent).toEqual(['item 2', 'item 1', 'item 1', 'itemsEnd 1'])
    expect(unread).toEqual([])
    hasRoom = false
    item(1, 2)
    router.down({ node: 'there', life: 1 })
    expect(kernel.counters.unsent).toBe(1)
    // A peer that reads nothing, and has itself be told more and more.
    router.up({ ...peer, node: 'there' })
    item(2, 2)
    const value = new Uint8Array(10 * 1024 * 1024)
    const to = { ...there, thread: 0, serial: 2 }
    // What is behind it, here a few large ones, in the end has no room.
    for (let said = 1; said <= 7; said += 1) {
      expect(unread).toEqual([])
      router.route({ type: 'reply', to, ref: 0, result: { ok: true, value, encoded: true } })
    }
    expect(unread).toEqual(['there'])
    expect(kernel.counters.unsent).toBe(2)
  })

  it('keeps a link that nobody used for long while what was sent on it before is still under way', async () => {
    const platform = manualPlatform()
    const said: string[] = []
    let isSending = true
    const links = {
      trafficOf: () => 1,
      isSendingTo: () => isSending,
      leave: () => said.push('leave'),
      send: (_node: string, bytes: Uint8Array) => (said.push(decodeNotice(bytes)?.type ?? 'frame'), 'sent'),
    } as unknown as PeerLinks
    const sparse = { ...unasked.sparse, isSpare: () => true, crosses: async () => false }
    const kernel = { node: 'here', platform } as unknown as Kernel
    const router = new NodeRouter({ ...unasked, kernel, links, sparse })
    router.up({ node: 'there', life: 1, region: '', roles: [], addresses: [] })
    const look = async (seconds: number): Promise<void> => {
      for (let second = 0; second < seconds; second += 1) {
        router.lookForIdle()
        await platform.advance(1_000)
      }
    }
    await look(60)
    expect(said).toEqual([])
    router.receive({ node: 'there', life: 1 }, encodeNotice({ type: 'resting' }))
    await platform.advance(1)
    expect(said).toEqual(['notResting'])
    isSending = false
    await look(32)
    expect(said).toEqual(['notResting', 'resting'])
  })
})

describe('[node] what is to be sent to a node whose link rests', () => {
  it('goes out over the next link when that one ends in order, and nothing of it is lost', async () => {
    const { log, call, rest, router } = restingRouter()
    await rest()
    call(1)
    expect(log.splice(0)).toEqual(['resting sent'])
    router.down(there, true)
    expect(log.splice(0)).toEqual(['dial'])
    router.up(there)
    expect(log).toEqual(['spawn 1 sent'])
  })

  it('is not run when no other link comes up, or only one to another life, and the loss of that link is told behind it', async () => {
    const { log, call, rest, router } = restingRouter()
    await rest()
    call(1)
    router.down(there, true)
    log.splice(0)
    for (let dial = 0; dial < 3; dial += 1) router.unreached('there')
    expect(log.splice(0)).toEqual(['unreachable', 'spawn 1 noconnection', 'lost 1'])
    router.up(there)
    await rest()
    call(2)
    router.down(there, true)
    log.splice(0)
    router.up({ ...there, life: 2 })
    expect(log).toEqual(['spawn 2 noconnection', 'lost 1'])
  })

  it('is not run when that node had said that it leaves: no other link is waited for', async () => {
    const { log, call, rest, router } = restingRouter()
    await rest()
    call(1)
    router.receive(there, encodeNotice({ type: 'draining' }))
    log.splice(0)
    router.down(there, true)
    expect(log).toEqual(['spawn 1 noconnection', 'lost 1'])
  })

  it('is not run when the link breaks, which is told before that loss; what nobody waits for goes over the next link', async () => {
    const { log, call, cast, rest, router } = restingRouter()
    await rest()
    cast(1)
    call(2)
    log.splice(0)
    router.down(there)
    expect(log.splice(0)).toEqual(['spawn 2 noconnection', 'lost 1', 'dial'])
    router.up(there)
    expect(log).toEqual(['spawn 1 sent'])
  })
})

describe('a node that leaves', () => {
  it('is waited for by its end until each peer has heard it or is gone, and tells those that come later', async () => {
    const { router, sent, platform, heard } = leavingRouter()
    for (const node of ['a', 'b', 'c']) router.up(peerOf(node))
    let isOver = false
    const said = router.sayDraining(2_000).then(() => (isOver = true))
    expect(sent.splice(0)).toEqual(['draining to a', 'draining to b', 'draining to c'])
    heard('a')
    router.down(peerOf('b'))
    // One that comes meanwhile is told as well, and not waited for.
    router.up(peerOf('d'))
    expect(sent).toEqual(['draining to d'])
    await platform.advance(1_999)
    expect(isOver).toBe(false)
    heard('c')
    await said
  })

  it('waits no longer than it may, and not for a peer that can not be told', async () => {
    const { router, platform, full } = leavingRouter()
    router.up(peerOf('a'))
    router.up(peerOf('b'))
    full.add('b')
    let isOver = false
    const said = router.sayDraining(2_000).then(() => (isOver = true))
    await platform.advance(1_999)
    expect(isOver).toBe(false)
    await platform.advance(1)
    await said
    full.add('a')
    await router.sayDraining(2_000)
  })

  it('is sent no request by a peer that has heard it: that is surely not run', () => {
    const { router, sent, refused, spawn, receive } = leavingRouter()
    router.up(peerOf('a'))
    spawn('a')
    receive('a', 'draining')
    spawn('a')
    expect(sent).toEqual(['spawn to a', 'drainingHeard to a'])
    expect(refused).toEqual(['ERR_DRAINING not-run'])
  })
})

const peerOf = (node: string) => ({ node, life: 1, region: '', roles: [], addresses: [] })

/** A router of a node with links; `full`: to which of them nothing can be sent. */
function leavingRouter() {
  const platform = manualPlatform()
  const sent: string[] = []
  const refused: string[] = []
  const full = new Set<string>()
  const kernel = {
    platform,
    node: 'here',
    codec: msgpackCodec(),
    counters: { unsent: 0, meshDrops: 0 },
    route(signal: Signal) {
      if (signal.type !== 'reply' || signal.result.ok) return
      refused.push(`${signal.result.failure.code} ${signal.result.failure.outcome}`)
    },
  } as unknown as Kernel
  const note = (node: string, what: string | undefined): string => {
    if (full.has(node)) return 'overloaded'
    sent.push(`${what} to ${node}`)
    return 'sent'
  }
  const send = (node: string, frame: Uint8Array): string => note(node, decodeNotice(frame)?.type)
  const sendMessage = (node: string): string => note(node, 'spawn')
  const links = { trafficOf: () => 1, recordsTo: () => undefined, send, sendMessage } as unknown as PeerLinks
  const router = new NodeRouter({ ...unasked, kernel, links })
  const receive = (node: string, type: 'draining' | 'drainingHeard'): boolean =>
    router.receive({ node, life: 1 }, encodeNotice({ type }))
  const spawn = (node: string): void => {
    const request = { procedure: 'write', version: 1, timeLeftMs: 1_000, idempotencyKey: undefined, callerRegion: '' }
    router.route({
      type: 'spawn',
      from: here,
      to: { node, life: 1, thread: 0, serial: 0 },
      request: { ...request, input: 1 },
    })
  }
  return {
    router,
    platform,
    sent,
    refused,
    full,
    spawn,
    receive,
    heard: (node: string) => receive(node, 'drainingHeard'),
  }
}

const there = { node: 'there', life: 1, region: '', roles: [], addresses: [] }

/** A router of a node that can do without its link to `there`: what it sends, and says to those who wait. */
function restingRouter() {
  const log: string[] = []
  const platform = manualPlatform()
  const say = (signal: Signal, what: string): number =>
    log.push(`${signal.type} ${signal.type === 'spawn' ? signal.from.serial : ''} ${what}`)
  const kernel = {
    platform,
    node: 'here',
    codec: msgpackCodec(),
    counters: { unsent: 0 },
    bounce: (signal: Signal, reason: string) => say(signal, reason),
  } as unknown as Kernel
  const sendMessage = (_node: string, message: BlockSlice): string => {
    say(decodeSignal(message.view().subarray(linkHeaderBytes), here, there, kernel.codec), 'sent')
    return 'sent'
  }
  const send = (_node: string, frame: Uint8Array): string => {
    log.push(`${decodeNotice(frame)?.type} sent`)
    return 'sent'
  }
  const router = new NodeRouter({
    ...unasked,
    kernel,
    links: {
      trafficOf: () => 1,
      isSendingTo: () => false,
      recordsTo: () => undefined,
      send,
      sendMessage,
    } as unknown as PeerLinks,
    lost: ({ life }) => log.push(`lost ${life}`),
    sparse: {
      reach: () => log.push('dial') > 0,
      unreachable: () => log.push('unreachable'),
      isSpare: () => true,
      crosses: async () => false,
    },
  })
  const spawn = (serial: number, isCast: boolean): void => {
    const request = { procedure: 'write', version: 1, timeLeftMs: 1_000, idempotencyKey: undefined, callerRegion: '' }
    const from = { ...here, serial }
    const to = { node: 'there', life: 1, thread: 0, serial: 0 }
    router.route({ type: 'spawn', from, to, request: { ...request, input: 1, ...(isCast && { isCast }) } })
  }
  router.up(there)
  return {
    log,
    router,
    call: (serial: number) => spawn(serial, false),
    cast: (serial: number) => spawn(serial, true),
    async rest(): Promise<void> {
      router.lookForIdle()
      await platform.advance(30_000)
      router.lookForIdle()
      await platform.advance(0)
    },
  }
}
