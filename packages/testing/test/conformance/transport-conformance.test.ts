import { createHmac } from 'node:crypto'
import type * as nodeTest from 'node:test'
import { systemPlatform, TransportError } from '@skerry/core'
import type { TurnQueue } from '@skerry/core/platform'
import type { RawLane, RawLink, Transport } from '@skerry/core/transport'
import { manualPlatform } from '@skerry/testing'
import { type ConformanceSuite, type CreateRequest, transportConformance } from '@skerry/testing/conformance'
import { describe, expect, it } from 'vitest'
import {
  createMemoryTransport,
  memoryNetwork,
  type MemoryTransportOptions,
} from '../../../core/src/mesh/memory-transport.ts'

// Each way to break the promises, and a case that has to notice. The faults are put around a transport that keeps them.
const faults: readonly (readonly [fault: string, noticedBy: string, break_: (transport: Transport) => Transport])[] = [
  [
    'says that it has one lane',
    'says of itself what its manifest says',
    (transport) => ({ ...bound(transport), supports: { ...transport.supports, lanes: 1 } }),
  ],
  [
    'names the wrong peer',
    'connects two nodes, each of which sees the other under its id',
    links((link) => ({ ...boundLink(link), peer: 'somebody' })),
  ],
  [
    'makes a new object for a lane each time',
    'gives the same object for the same lane, and the last lane for numbers beyond it',
    links((link) => ({ ...boundLink(link), lane: (n) => boundLane(link.lane(n)) })),
  ],
  [
    'always says that the peer closed',
    'close tells both ends who ended the link',
    links((link) => ({ ...boundLink(link), closed: link.closed.then((end) => ({ ...end, local: false })) })),
  ],
  [
    'never says that the peer closed',
    'close by the end that accepted works the same way',
    links((link) => ({ ...boundLink(link), closed: link.closed.then((end) => (end.local ? end : forever())) })),
  ],
  [
    'leaves its links open when it stops',
    'stop closes every link, and both ends notice',
    (transport) => ({ ...bound(transport), stop: () => Promise.resolve() }),
  ],
  [
    'does not give back what each of its links took',
    'links to one peer come and go, two dozen one after the other, whoever closes them, and leave nothing that the next would lack',
    (transport) => {
      let left = 20
      return {
        ...bound(transport),
        dial: (address, expect, signal) => (left-- > 0 ? transport.dial(address, expect, signal) : forever()),
      }
    },
  ],
  [
    'does not mind the expected node',
    'dial that expects another node rejects with ERR_WRONG_PEER and hands over no link',
    (transport) => ({
      ...bound(transport),
      dial: (address, _expect, signal) => transport.dial(address, undefined, signal),
    }),
  ],
  [
    'does not mind an aborted signal',
    'dial with a signal that is aborted already rejects',
    (transport) => ({
      ...bound(transport),
      dial: (address, expect) => transport.dial(address, expect, new AbortController().signal),
    }),
  ],
  [
    'leaves a dial that was given up connected',
    'a dial that is given up rejects and leaves no link open',
    (transport) => ({
      ...bound(transport),
      async dial(address, expect, signal) {
        const link = await transport.dial(address, expect, new AbortController().signal)
        if (signal.aborted) throw new Error('given up')
        return link
      },
    }),
  ],
  [
    'never answers a dial to nobody',
    'dial to nobody rejects with ERR_DIAL_FAILED',
    (transport) => ({
      ...bound(transport),
      dial: (address, expect, signal) => transport.dial(address, expect, signal).catch(() => forever()),
    }),
  ],
  [
    'does not know its own address',
    'dial to our own address rejects with ERR_OWN_ADDRESS, or gives a link to ourselves',
    (transport) => ({
      ...bound(transport),
      dial: (address, expect, signal) =>
        transport.dial(address, expect, signal).catch(() => {
          throw new TransportError('ERR_DIAL_FAILED', 'nobody there')
        }),
    }),
  ],
  [
    'cuts a byte off large frames',
    'frames of 0, 1, 64 KiB and exactly maxFrameBytes arrive whole, both ways and on every lane',
    lanes((lane) => ({ ...lane, send: (frame) => lane.send(frame.length > 1_000 ? frame.subarray(1) : frame) })),
  ],
  [
    'swallows empty frames',
    'frames of 0, 1, 64 KiB and exactly maxFrameBytes arrive whole, both ways and on every lane',
    lanes((lane) => ({ ...lane, send: (frame) => frame.length === 0 || lane.send(frame) })),
  ],
  [
    'sends the buffer below a view',
    'a frame that is a view into a larger buffer arrives without its surroundings',
    lanes((lane) => ({ ...lane, send: (frame) => lane.send(new Uint8Array(frame.buffer)) })),
  ],
  [
    'puts pieces together the wrong way round',
    'frames in two pieces arrive whole among others, their bodies unchanged, and are refused beyond maxFrameBytes',
    lanes((lane) => ({ ...lane, sendPieces: (head, body) => lane.send(Buffer.concat([body, head])) })),
  ],
  [
    'cuts pieces that are too large together',
    'frames in two pieces arrive whole among others, their bodies unchanged, and are refused beyond maxFrameBytes',
    lanes((lane) => ({
      ...lane,
      sendPieces: (head, body) => lane.send(Buffer.concat([head, body]).subarray(0, 1024 * 1024)),
    })),
  ],
  [
    'sends what stands around a frame within a block',
    'frames within a block arrive whole among others, without what stands around them, and are refused beyond maxFrameBytes',
    lanes((lane) => ({ ...lane, sendSlice: ({ block, from }) => lane.send(block.subarray(from)) })),
  ],
  [
    'says that it copies frames within blocks, and does not',
    'frames within a block arrive whole among others, without what stands around them, and are refused beyond maxFrameBytes',
    lanes((lane) => ({ ...lane, sendSlice: (frame) => lane.send(frame.view()), copiesSlices: true })),
  ],
  [
    'ends a link that seems far',
    'a link that is told of any round-trip time carries as before',
    links((link) => ({ ...boundLink(link), leastRtt: (ms) => (ms > 1_000 ? link.close('too far') : undefined) })),
  ],
  [
    'tells the first who asked for room',
    'a second listener of onDrain replaces the first',
    lanes((lane) => {
      let isAsked = false
      return {
        ...lane,
        onDrain(on) {
          if (!isAsked) lane.onDrain(on)
          isAsked = true
        },
      }
    }),
  ],
  [
    'loses the first frame',
    'frames sent right after the dial are not lost',
    lanes((lane) => {
      let sent = 0
      return { ...lane, send: (frame) => (sent++ === 0 ? true : lane.send(frame)) }
    }),
  ],
  [
    'loses what comes before the dialler listens',
    'frames sent inside accepted, before the dialler listens, are not lost',
    (transport) => {
      let turns: TurnQueue | undefined
      return {
        ...bound(transport),
        start(host, platform) {
          turns = platform.turns
          return transport.start(host, platform)
        },
        async dial(address, expect, signal) {
          const link = await transport.dial(address, expect, signal)
          for (const n of [0, 1]) link.lane(n).onFrame(() => {})
          await new Promise<void>((runTurn) => turns?.enqueue({ runTurn }))
          return link
        },
      }
    },
  ],
  [
    'sends everything on one lane',
    'a frame travels on its own lane only',
    links((link) => ({ ...boundLink(link), lane: () => link.lane(0) })),
  ],
  [
    'keeps one link to a peer and closes the older',
    'two links to the same peer carry independently',
    (transport) => {
      let last: RawLink | undefined
      return {
        ...bound(transport),
        async dial(address, expect, signal) {
          last?.close('replaced')
          last = await transport.dial(address, expect, signal)
          return last
        },
      }
    },
  ],
  [
    'swaps two frames now and then',
    '10,000 small frames each way at once, on two lanes, arrive in order',
    lanes((lane) => {
      let sent = 0
      let held: Uint8Array | undefined
      return {
        ...lane,
        send(frame) {
          if (sent++ % 1_000 === 500) {
            held = frame
            return true
          }
          const isFree = lane.send(frame)
          if (held === undefined) return isFree
          const late = held
          held = undefined
          return lane.send(late)
        },
      }
    }),
  ],
  [
    'delivers a frame twice now and then',
    '10,000 small frames each way at once, on two lanes, arrive in order',
    lanes((lane) => {
      let came = 0
      return {
        ...lane,
        onFrame: (on) =>
          lane.onFrame((frame) => {
            on(frame)
            if (came++ % 1_000 === 500) on(frame)
          }),
      }
    }),
  ],
  [
    'lets small frames overtake large ones',
    'small frames do not overtake large ones on their lane',
    lanes((lane) => ({
      ...lane,
      onFrame: (on) =>
        lane.onFrame((frame) => (frame.length < 1_000 ? on(frame) : void microtasks(50).then(() => on(frame)))),
    })),
  ],
  [
    'delivers frames after the end',
    'a link closed in the middle of a stream delivers a beginning of it, in order, and nothing after the end',
    lanes((lane) => {
      let came = 0
      return { ...lane, onFrame: (on) => lane.onFrame((frame) => void microtasks(came++).then(() => on(frame))) }
    }),
  ],
  [
    'says true to frames for a closed link',
    'send on a closed link drops the frame and returns false',
    lanes((lane) => ({
      ...lane,
      send(frame) {
        lane.send(frame)
        return true
      },
    })),
  ],
  [
    'cuts frames that are too large',
    'send of more than maxFrameBytes throws ERR_FRAME_TOO_LARGE, takes nothing, and the link goes on',
    lanes((lane) => ({ ...lane, send: (frame) => lane.send(frame.subarray(0, 1024 * 1024)) })),
  ],
  [
    'closes on a frame that is too large for itself',
    'send of more than maxFrameBytes throws ERR_FRAME_TOO_LARGE, takes nothing, and the link goes on',
    links((link) => {
      const send = (lane: RawLane, frame: Uint8Array): boolean => {
        if (frame.length > 1024 * 1024) link.close('too large')
        return lane.send(frame)
      }
      return withLanes(link, (lane) => ({ ...lane, send: (frame) => send(lane, frame) }))
    }),
  ],
  [
    'never says that a buffer is full',
    'send returns false after a bounded amount, and onDrain tells when there is room again, each time',
    lanes((lane) => ({
      ...lane,
      send(frame) {
        lane.send(frame)
        return true
      },
    })),
  ],
  [
    'says only once that a buffer is full',
    'send returns false after a bounded amount, and onDrain tells when there is room again, each time',
    lanes((lane) => {
      let wasFull = false
      return {
        ...lane,
        send(frame) {
          const hasRoom = lane.send(frame) || wasFull
          wasFull ||= !hasRoom
          return hasRoom
        },
      }
    }),
  ],
  [
    'never says that there is room again',
    'send returns false after a bounded amount, and onDrain tells when there is room again, each time',
    lanes((lane) => ({ ...lane, onDrain() {} })),
  ],
  [
    'buffers for a paused reader without a bound',
    'a paused lane stops its sender; after resume everything arrives, in order',
    lanes((lane) => {
      const kept: Uint8Array[] = []
      let listener = (_frame: Uint8Array): void => {}
      let isPaused = false
      return {
        ...lane,
        onFrame(on) {
          listener = on
          lane.onFrame((frame) => (isPaused ? void kept.push(frame) : on(frame)))
        },
        pause() {
          isPaused = true
        },
        resume() {
          isPaused = false
          for (const frame of kept.splice(0)) listener(frame)
        },
      }
    }),
  ],
  [
    'drops what comes for a paused reader',
    'a paused lane does not hold up links to another peer',
    lanes((lane) => {
      let isPaused = false
      return {
        ...lane,
        onFrame: (on) => lane.onFrame((frame) => (isPaused ? undefined : on(frame))),
        pause() {
          isPaused = true
        },
        resume() {
          isPaused = false
        },
      }
    }),
  ],
  [
    'pauses all lanes together',
    'a paused lane does not hold up another lane of the link',
    links((link) =>
      withLanes(link, (lane) => ({
        ...lane,
        pause() {
          for (const n of [0, 1]) link.lane(n).pause()
        },
      })),
    ),
  ],
  [
    'counts pauses',
    'pause and resume may be repeated, and the last one counts',
    lanes((lane) => {
      let pauses = 0
      return {
        ...lane,
        pause() {
          pauses += 1
          lane.pause()
        },
        resume() {
          pauses = Math.max(pauses - 1, 0)
          if (pauses === 0) lane.resume()
        },
      }
    }),
  ],
  [
    'signs everything alike',
    'a signature does not hold for another author, other bytes, or after a change',
    (transport) => ({
      ...bound(transport),
      sign: () => Uint8Array.of(1),
      verify: (_author, _bytes, [first]) => first === 1,
    }),
  ],
  [
    'does not mind what stands behind a signature',
    'a signature does not hold for another author, other bytes, or after a change',
    (transport) => ({
      ...bound(transport),
      verify: (author, bytes, signature) =>
        transport.verify(author, bytes, signature) || transport.verify(author, bytes, signature.subarray(0, -1)),
    }),
  ],
  [
    'signs without its name',
    'a signature does not hold for another author, other bytes, or after a change',
    (transport) => ({
      ...bound(transport),
      sign: (bytes) => bytes.slice(),
      verify: (_author, bytes, signature) => Buffer.compare(bytes, signature) === 0,
    }),
  ],
  [
    'throws on garbage signatures',
    'garbage in the place of a signature or an author is false, never an error',
    (transport) => ({
      ...bound(transport),
      verify(author, bytes, signature) {
        if (signature.length < 32) throw new RangeError('too short')
        return transport.verify(author, bytes, signature)
      },
    }),
  ],
  [
    'spreads every record to all topics',
    'a record reaches no subscriber of another topic',
    (transport) => ({ ...bound(transport), subscribe: (_topic, on) => transport.subscribe?.('wanted', on) }),
  ],
  [
    'takes topics that begin alike for one',
    'a record reaches no subscriber of another topic',
    (transport) => ({
      ...bound(transport),
      publish: (topic, record) => transport.publish?.(topic.slice(0, 4), record),
      subscribe: (topic, on) => transport.subscribe?.(topic.slice(0, 4), on),
    }),
  ],
  [
    'publishes nothing',
    'a record reaches the other subscribers of its topic, and says which node handed it on',
    (transport) => ({ ...bound(transport), publish() {} }),
  ],
  [
    'refuses records of 16 KiB',
    'a record of 16 KiB arrives whole',
    (transport) => ({
      ...bound(transport),
      publish: (topic, record) => (record.length < 16_000 ? transport.publish?.(topic, record) : undefined),
    }),
  ],
  [
    'says that it handed on to itself what others published',
    'a record reaches the other subscribers of its topic, and says which node handed it on',
    (transport) => {
      let self = ''
      return {
        ...bound(transport),
        start: async (host, platform) => {
          const started = await transport.start(host, platform)
          self = started.id
          return started
        },
        subscribe: (topic, on) => transport.subscribe?.(topic, (_via, record) => on(self, record)),
      }
    },
  ],
  [
    'tells a publisher its own records',
    'a record reaches the other subscribers of its topic, and says which node handed it on',
    (transport) => {
      const listeners: ((via: string, record: Uint8Array) => void)[] = []
      return {
        ...bound(transport),
        publish(topic, record) {
          transport.publish?.(topic, record)
          for (const on of listeners) on('b', record)
        },
        subscribe(topic, on) {
          listeners.push(on)
          transport.subscribe?.(topic, on)
        },
      }
    },
  ],
  [
    'cuts records that are too large',
    'publish of more than 16 KiB throws ERR_FRAME_TOO_LARGE, spreads nothing, and the next record is spread',
    (transport) => ({
      ...bound(transport),
      publish: (topic, record) => transport.publish?.(topic, record.subarray(0, 16 * 1024)),
    }),
  ],
  [
    'tells only the last subscriber of a topic',
    'every subscriber of a topic is told, also two of one node',
    (transport) => {
      const last = new Map<string, (via: string, record: Uint8Array) => void>()
      return {
        ...bound(transport),
        subscribe(topic, on) {
          if (!last.has(topic)) transport.subscribe?.(topic, (via, record) => last.get(topic)?.(via, record))
          last.set(topic, on)
        },
      }
    },
  ],
  [
    'tells only those who are linked to the publisher',
    'a record is handed on by a subscriber to one that is linked to it alone, as often as there are records',
    (transport) => {
      const peers = new Set<string>()
      const seen = links((link) => {
        peers.add(link.peer)
        return link
      })(transport)
      return {
        ...seen,
        subscribe: (topic, on) =>
          transport.subscribe?.(topic, (via, record) => (peers.has(via) ? on(via, record) : undefined)),
      }
    },
  ],
  [
    'hands a record on round a ring for ever',
    'a record comes to rest where nodes are linked in a ring',
    (transport) => ({
      ...bound(transport),
      subscribe: (topic, on) =>
        transport.subscribe?.(topic, (via, record) => {
          // As often as it goes round while the case looks.
          for (let round = 0; round < 20; round += 1) on(via, record)
        }),
    }),
  ],
  [
    'names an author for every signature',
    'what an author signed holds wherever it is heard, whoever handed it on, and nobody else can have signed it',
    (transport) => ({ ...bound(transport), verify: () => true }),
  ],
  [
    'hands the same bytes of a record to everybody',
    'what a subscriber does to the bytes of a record is seen by no other node, nor by the publisher',
    (transport) => {
      return {
        ...bound(transport),
        subscribe: (topic, on) =>
          transport.subscribe?.(topic, (via, record) => {
            sharedRecord ??= record
            on(via, sharedRecord)
          }),
      }
    },
  ],
  [
    'lets frames of one lane overtake those of another that carry their place',
    'a large body and small ones behind it arrive in that order from core, over the lanes that it spreads them to',
    lanes((lane) => {
      let sent = 0
      return { ...lane, send: (frame) => (sent++ % 7 === 6 && frame.length > 1_000 ? true : lane.send(frame)) }
    }),
  ],
  [
    'cuts the ends of frames of core’s size off',
    'a newer version that still speaks ours is taken, with fields that we do not know',
    lanes((lane) => ({ ...lane, send: (frame) => lane.send(frame.length > 40 ? frame.subarray(0, 40) : frame) })),
  ],
  [
    'dials a node once and never again',
    'core has another link after either end closed one, as often as it happens',
    (transport) => {
      let dials = 0
      return {
        ...bound(transport),
        dial: (address, expect, signal) => (dials++ < 2 ? transport.dial(address, expect, signal) : forever()),
      }
    },
  ],
  [
    'closes its links when somebody else dials',
    'further connections to a node take nothing from the link that is up',
    (transport) => {
      let last: RawLink | undefined
      return {
        ...bound(transport),
        start: ({ accepted, found }, platform) =>
          transport.start(
            {
              found,
              accepted(link) {
                last?.close('replaced')
                last = link
                accepted(link)
              },
            },
            platform,
          ),
      }
    },
  ],
  [
    'loses a frame in the middle now and then',
    '10,000 messages each way: within a link none is missing, repeated or out of order, and in the end all are there',
    lanes((lane) => {
      let sent = 0
      return { ...lane, send: (frame) => (sent++ % 500 === 499 ? true : lane.send(frame)) }
    }),
  ],
  [
    'settles as another node than it is',
    'settled options are plain data, and make the node whose signatures the settled instance makes, not started',
    (transport) => ({
      ...bound(transport),
      ...(transport.settle !== undefined && {
        settle: async () => ({ ...((await transport.settle?.()) as object), id: 'somebody' }),
      }),
    }),
  ],
  [
    'settles with what only this thread can have',
    'settled options are plain data, and make the node whose signatures the settled instance makes, not started',
    (transport) => ({
      ...bound(transport),
      settle: async () => ({ ...((await transport.settle?.()) as object), log() {} }),
    }),
  ],
  [
    'believes everybody until it is started',
    'an instance that is settled and not started judges the signatures of others',
    (transport) => {
      let isStarted = false
      return {
        ...bound(transport),
        start(host, platform) {
          isStarted = true
          return transport.start(host, platform)
        },
        verify: (author, bytes, signature) => !isStarted || transport.verify(author, bytes, signature),
      }
    },
  ],
  [
    'is another node in each instance',
    'instances from the same options, one after another, are the same node, and carry frames',
    (transport) => ({
      ...bound(transport),
      start: async (host, platform) => {
        const started = await transport.start(host, platform)
        instances += 1
        return { ...started, id: started.id === 'a' ? `a${instances}` : started.id }
      },
    }),
  ],
  [
    'waits for its peer when it closes a link',
    'a link over a way that carries nothing can be closed, and the transport stopped, without the peer',
    links((link) => ({ ...boundLink(link), closed: link.closed.then((end) => (isCut ? forever() : end)) })),
  ],
  [
    'does not give up a dial that nobody answers',
    'a dial over a way that carries nothing can be given up',
    (transport) => ({
      ...bound(transport),
      dial: (address, expect) => transport.dial(address, expect, new AbortController().signal),
    }),
  ],
  [
    'loses what is sent over a way that carries nothing',
    'a way that is cut for a moment loses nothing on a link that stays',
    lanes((lane) => ({ ...lane, send: (frame) => (isCut ? true : lane.send(frame)) })),
  ],
  [
    'does not see that its connection broke',
    'a connection that breaks closes its links at both ends, and others can be made',
    links((link) => ({
      ...boundLink(link),
      closed: link.closed.then((end) => (/broke/.test(end.reason) ? forever() : end)),
    })),
  ],
  [
    'reaches nobody any more once a way was cut',
    'core ends a link over a way that carries nothing, at both ends, and has another one when the way is back',
    (transport) => ({
      ...bound(transport),
      dial: (address, expect, signal) => (wasCut ? forever() : transport.dial(address, expect, signal)),
    }),
  ],
]

/** What one of the faults above hands to all nodes. */
let sharedRecord: Uint8Array | undefined
/** How many were started, for one that counts them. */
let instances = 0
/** What the network of the last case does. */
let isCut = false
let wasCut = false

describe('transportConformance', () => {
  it.each(faults)('notices a transport that %s (%s)', async (_fault, noticedBy, break_) => {
    const noticing = registered(break_).cases.filter(({ name }) => name === noticedBy)
    expect(noticing).toHaveLength(1)
    for (const { run } of noticing) await expect(run()).rejects.toThrow()
  })

  it('notices a transport that lets strangers and outsiders in', async () => {
    const open = registered((transport) => transport, { isOpen: true }).cases
    const noticing = open.filter(({ name }) => /is refused, whoever|reaches no member/.test(name))
    expect(noticing).toHaveLength(4)
    for (const { run } of noticing) await expect(run()).rejects.toThrow()
  })

  it('notices a transport that takes more than its limit', async () => {
    const noticing = registered((transport) => transport, { hasNoLimit: true }).cases.filter(({ name }) =>
      name.includes("the receiver's limit"),
    )
    expect(noticing).toHaveLength(1)
    for (const { run } of noticing) await expect(run()).rejects.toThrow()
  })

  it('notices a transport that never ends a connection on which nobody is, or ends it for garbage only', async () => {
    const noticing = registered((transport) => transport, { intrude: forever }).cases.filter(({ name }) =>
      /connections that say nothing|none of its protocol|says it again/.test(name),
    )
    expect(noticing).toHaveLength(3)
    for (const { run } of noticing) await expect(run()).rejects.toThrow('to be ended by the nodes')
  })

  it('notices a transport that takes somebody for a member by what a member said', async () => {
    const intrude = async (hub: string): Promise<void> => {
      const again = createMemoryTransport({ hub, id: 'c', secret: 'false', cluster: 'false' })
      await again.start({ accepted() {}, found() {} }, systemPlatform())
      await again.dial(`memory:${hub}/b`, undefined, new AbortController().signal)
    }
    const noticing = registered((transport) => transport, { intrude }).cases.filter(({ name }) =>
      name.includes('says it again'),
    )
    expect(noticing).toHaveLength(1)
    for (const { run } of noticing) await expect(run()).rejects.toThrow('nobody is taken for the member')
  })

  it('finds nothing wrong with a transport that keeps all promises', { timeout: 60_000 }, async () => {
    const { cases, skipped } = registered((transport) => transport)
    for (const { run } of cases) await run()
    expect(cases.length).toBeGreaterThan(75)
    expect(skipped).toEqual([])
  })

  it('skips what a transport does not support, by name and with the reason', () => {
    const modest = {
      lanes: 1,
      gossip: false,
      secret: false,
      cluster: false,
      frameLimit: 'fixed',
      faults: false,
      intruders: false,
    } as const
    const { cases, skipped } = registered((transport) => transport, { supports: modest, settles: false })
    expect(skipped.toSorted()).toMatchInlineSnapshot(`
      [
        "a connection that breaks closes its links at both ends, and others can be made (skipped: its harness can not cut the ways between nodes)",
        "a dial over a way that carries nothing can be given up (skipped: its harness can not cut the ways between nodes)",
        "a frame larger than the receiver's limit closes the link and is not delivered (skipped: its frame limit is fixed, so nobody here can send more: as an option it can be tested)",
        "a frame travels on its own lane only (skipped: it has one lane)",
        "a link over a way that carries nothing can be closed, and the transport stopped, without the peer (skipped: its harness can not cut the ways between nodes)",
        "a node of another cluster is refused, whoever dials, before any frame (skipped: it leaves clusters to the hello above it)",
        "a node with another secret is refused, whoever dials, before any frame (skipped: it knows no secret)",
        "a paused lane does not hold up another lane of the link (skipped: it has one lane)",
        "a record comes to rest where nodes are linked in a ring (skipped: it has no gossip)",
        "a record is handed on by a subscriber to one that is linked to it alone, as often as there are records (skipped: it has no gossip)",
        "a record of 16 KiB arrives whole (skipped: it has no gossip)",
        "a record of a node with another secret reaches no member, whatever it names as author (skipped: it has no gossip)",
        "a record of another cluster reaches no member (skipped: it has no gossip)",
        "a record reaches no subscriber of another topic (skipped: it has no gossip)",
        "a record reaches the other subscribers of its topic, and says which node handed it on (skipped: it has no gossip)",
        "a way that is cut for a moment loses nothing on a link that stays (skipped: its harness can not cut the ways between nodes)",
        "after stop a subscriber hears nothing, and publish does nothing (skipped: it has no gossip)",
        "an instance that is settled and not started judges the signatures of others (skipped: its harness makes none from settled options)",
        "bytes that are none of its protocol end their connection, and no link (skipped: its harness lets nobody connect who is no node)",
        "connections that say nothing end by themselves, and keep no member out (skipped: its harness lets nobody connect who is no node)",
        "core ends a link over a way that carries nothing, at both ends, and has another one when the way is back (skipped: its harness can not cut the ways between nodes)",
        "core has another link after its connection broke (skipped: its harness can not cut the ways between nodes)",
        "every subscriber of a topic is told, also two of one node (skipped: it has no gossip)",
        "instances from the same options, one after another, are the same node, and carry frames (skipped: its harness makes none from settled options)",
        "publish of more than 16 KiB throws ERR_FRAME_TOO_LARGE, spreads nothing, and the next record is spread (skipped: it has no gossip)",
        "settled options are plain data, and make the node whose signatures the settled instance makes, not started (skipped: its harness makes none from settled options)",
        "two instances that were asked each on its own are two nodes (skipped: its harness makes none from settled options)",
        "what a node said is worth nothing when somebody says it again (skipped: its harness lets nobody connect who is no node)",
        "what a subscriber does to the bytes of a record is seen by no other node, nor by the publisher (skipped: it has no gossip)",
        "what an author signed holds wherever it is heard, whoever handed it on, and nobody else can have signed it (skipped: it has no gossip)",
      ]
    `)
    const all = registered((transport) => transport)
    expect(cases.length + skipped.length).toBe(all.cases.length + all.skipped.length)
  })

  it('says what a case was waiting for when its time is up', async () => {
    const { cases } = registered((transport) => ({ ...bound(transport), dial: () => forever() }))
    const [, connects] = cases
    await expect(connects?.run()).rejects.toThrow(
      /Not done after 20000 ms.*\n {2}- b to accept a link\n {2}- a to dial/s,
    )
  })

  it('fails a case whose transport does not stop', async () => {
    const { cases } = registered((transport) => ({ ...bound(transport), stop: () => forever() }))
    await expect(cases[1]?.run()).rejects.toThrow('every transport to stop')
  })

  it('takes the suites of vitest and of node:test', () => {
    const ofVitest: ConformanceSuite = { describe, it }
    const ofNode = (suite: typeof nodeTest): ConformanceSuite => suite
    expect([ofVitest.it.skip, ofNode]).toEqual([expect.any(Function), expect.any(Function)])
  })
})

interface Case {
  readonly name: string
  run(): Promise<void>
}

interface RegisterOptions {
  readonly supports?: object
  readonly settles?: boolean
  readonly isOpen?: boolean
  readonly hasNoLimit?: boolean
  /** What comes of somebody who connects and is no node. Default: his connection is ended. */
  readonly intrude?: (hub: string) => Promise<void>
}

let registrations = 0

/** The cases for a memory transport with a fault. Time is virtual, so that those that hang end at once. */
function registered(
  break_: (transport: Transport) => Transport,
  { supports = {}, settles = true, isOpen = false, hasNoLimit = false, intrude = async () => {} }: RegisterOptions = {},
): { cases: Case[]; skipped: string[] } {
  const cases: Case[] = []
  const skipped: string[] = []
  const platform = manualPlatform()
  let nodes = 0
  // Some of these never stop and stay on their hub.
  registrations += 1
  const registration = registrations
  const hub = (world: string): string => `${world}-${registration}`
  const skip = (name: string): void => void skipped.push(name)
  const register = (name: string, run: () => Promise<void>): void =>
    void cases.push({ name, run: () => driven(run(), platform) })
  transportConformance('broken', {
    suite: { describe: (_name, define) => define(), it: Object.assign(register, { skip }) },
    supports: {
      lanes: 3,
      gossip: true,
      maxFrameBytes: 1024 * 1024,
      secret: true,
      cluster: true,
      frameLimit: 'option',
      faults: true,
      intruders: true,
      ...supports,
    },
    create: ({ member, world, maxFrameBytes }: CreateRequest) =>
      break_(
        settling({
          hub: hub(world),
          id: member,
          ...(!isOpen && { secret: String(member === 'stranger'), cluster: String(member === 'outsider') }),
          ...(maxFrameBytes !== undefined && !hasNoLimit && { maxFrameBytes }),
        }),
      ),
    ...(settles && { fromSettled: (options) => break_(settling(options as MemoryTransportOptions)) }),
    network(world) {
      const network = memoryNetwork(hub(world))
      isCut = wasCut = false
      return {
        ...network,
        cut() {
          isCut = wasCut = true
          network.cut()
        },
        heal() {
          isCut = false
          network.heal()
        },
        intrude: () => intrude(hub(world)),
        said: () => [new Uint8Array(100)],
      }
    },
    nobody: (world) => `memory:${hub(world)}/nobody`,
    platform() {
      nodes += 1
      return manualPlatform({ seed: nodes, beside: platform })
    },
  })
  return { cases, skipped }
}

/** A memory transport that signs, and says who it is, before it starts. */
function settling(options: MemoryTransportOptions): Transport {
  const transport = createMemoryTransport(options)
  const signature = (author: string, bytes: Uint8Array): Uint8Array =>
    new Uint8Array(createHmac('sha256', author).update(bytes).digest())
  return {
    ...bound(transport),
    settle: () => Promise.resolve(options),
    sign: (bytes) => signature(options.id ?? '', bytes),
    verify: (author, bytes, given) => Buffer.compare(signature(author, bytes), given) === 0,
  }
}

/** Lets everything happen that can, and then time pass, until the case is over. */
async function driven(run: Promise<void>, platform: ReturnType<typeof manualPlatform>): Promise<void> {
  let isOver = false
  const over = run.finally(() => (isOver = true))
  // Its failure is for whoever awaits it below; until then it counts as handled.
  over.catch(() => {})
  await platform.settle()
  while (!isOver) await platform.advance(100)
  await over
}

/** A transport as an object whose functions can be replaced one by one. */
function bound(transport: Transport): Transport {
  return {
    supports: transport.supports,
    ...(transport.settle !== undefined && { settle: () => transport.settle?.() ?? Promise.resolve() }),
    start: (host, platform) => transport.start(host, platform),
    dial: (address, expect, signal) => transport.dial(address, expect, signal),
    stop: () => transport.stop(),
    publish: (topic, record) => transport.publish?.(topic, record),
    subscribe: (topic, on) => transport.subscribe?.(topic, on),
    sign: (bytes) => transport.sign(bytes),
    verify: (author, bytes, signature) => transport.verify(author, bytes, signature),
  }
}

function boundLink(link: RawLink): RawLink {
  return { peer: link.peer, lane: (n) => link.lane(n), close: (reason) => link.close(reason), closed: link.closed }
}

function boundLane(lane: RawLane): RawLane {
  return {
    send: (frame) => lane.send(frame),
    onDrain: (on) => lane.onDrain(on),
    onFrame: (on) => lane.onFrame(on),
    pause: () => lane.pause(),
    resume: () => lane.resume(),
  }
}

/** A fault in every link, dialled or accepted. */
function links(change: (link: RawLink) => RawLink): (transport: Transport) => Transport {
  return (transport) => ({
    ...bound(transport),
    start: ({ accepted, found }, platform) =>
      transport.start({ accepted: (link) => accepted(change(link)), found }, platform),
    dial: async (address, expect, signal) => change(await transport.dial(address, expect, signal)),
  })
}

/** A fault in every lane of every link. */
function lanes(change: (lane: RawLane) => RawLane): (transport: Transport) => Transport {
  return links((link) => withLanes(link, change))
}

function withLanes(link: RawLink, change: (lane: RawLane) => RawLane): RawLink {
  const changed = [0, 1].map((n) => change(boundLane(link.lane(n))))
  return { ...boundLink(link), lane: (n) => changed[Math.min(n, 1)] as RawLane }
}

function forever(): Promise<never> {
  return new Promise(() => {})
}

async function microtasks(number: number): Promise<void> {
  for (let count = 0; count < number; count += 1) await Promise.resolve()
}
