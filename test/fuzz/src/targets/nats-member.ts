import { createSecretKey } from 'node:crypto'
import { encodeBroadcast, fits, openBroadcast } from '../../../../packages/transport-nats/dist/broadcast.js'
import { Drops } from '../../../../packages/transport-nats/dist/drops.js'
import { encodeOpen, secretKeys } from '../../../../packages/transport-nats/dist/handshake.js'
import { readIdentity } from '../../../../packages/transport-nats/dist/identity.js'
import { decodePacket, encodePacket, lanesPerLink } from '../../../../packages/transport-nats/dist/link-packet.js'
import { LinkTable } from '../../../../packages/transport-nats/dist/link-table.js'
import { NatsLink } from '../../../../packages/transport-nats/dist/nats-link.js'
import { checkOptions } from '../../../../packages/transport-nats/dist/options.js'
import { Opener, Sealer } from '../../../../packages/transport-nats/dist/sealed-channel.js'
import { createSignatures } from '../../../../packages/transport-nats/dist/signatures.js'
import { formatAddress, parseAddress, subjectsOf } from '../../../../packages/transport-nats/dist/subjects.js'
import { drawBytes, drawText, pick } from '../draw.ts'
import { joined } from '../mutate.ts'
import { isSameValue } from '../same-value.ts'
import { check, type Target } from '../target.ts'

const utf8 = new TextEncoder()
const cluster = 'shop'
const secret = 'a secret of a cluster that nobody guesses'
const secrets = secretKeys([secret])
const subjects = subjectsOf(cluster)
const { tag } = subjects
// The same keys every time: a finding must be one again when it is replayed.
const [self, member] = [7, 8].map((byte) => {
  const identity = readIdentity(Buffer.alloc(32, byte).toString('base64'))
  return { ...identity, signatures: createSignatures(identity) }
}) as [Signing, Signing]
type Signing = ReturnType<typeof readIdentity> & { readonly signatures: ReturnType<typeof createSignatures> }
const silent = { debug: nothing, info: nothing, warn: nothing, error: nothing } as unknown as ConstructorParameters<
  typeof Drops
>[0]

function nothing(): void {}

/** What a member says to all, properly sealed: a topic, of a length that the first byte says, and a record. */
export const natsMemberBroadcastTarget: Target = {
  name: 'nats-member-broadcast',
  seeds: () => [joined(Uint8Array.of(7), utf8.encode('members'), Uint8Array.of(1, 2, 3)), Uint8Array.of(0)],
  generate: (draw) => joined(Uint8Array.of(draw(40)), utf8.encode(drawText(draw)), drawBytes(draw, 300)),
  run(input) {
    const topicEnd = Math.min(1 + (input[0] ?? 0), input.length)
    const topic = new TextDecoder().decode(input.subarray(1, topicEnd))
    const record = input.subarray(topicEnd)
    if (!fits(topic, record)) return
    const bytes = encodeBroadcast({ via: member.id, topic, record }, { tag, secrets, signatures: member.signatures })
    const opened = openBroadcast(new Uint8Array(bytes), { tag, secrets, signatures: self.signatures })
    check(opened?.via === member.id, 'what a member says is heard, as its word')
    check(opened.topic === topic && isSameValue(opened.record, new Uint8Array(record)), 'it is heard as it was said')
  },
}

/**
 * What a member sends who asks for a link in its own way, and then says what it likes: 16 bytes that name its life, its
 * number, its window, its key, how many other secrets it claims; then packets, each behind its length, sealed or not.
 */
export const natsMemberTarget: Target = {
  name: 'nats-member',
  seeds: () => [
    joined(
      openParts(65_536),
      Uint8Array.of(1),
      packets(encodePacket({ kind: 'alive' }), Uint8Array.of(1, 0, 0, 0, 0, 2, 9, 9)),
    ),
    joined(openParts(1), Uint8Array.of(0)),
  ],
  generate: (draw) =>
    joined(
      openParts(pick(draw, [65_536, 16 * 1024 * 1024, draw(2 ** 32)])),
      drawBytes(draw, 2),
      packets(...Array.from({ length: draw(5) }, () => Uint8Array.of(1 + draw(5), draw(4), ...drawBytes(draw, 9)))),
    ),
  run(input) {
    const whole = joined(input.subarray(0, openPartsBytes), new Uint8Array(Math.max(0, openPartsBytes - input.length)))
    const view = new DataView(whole.buffer)
    const endpoint = {
      life: Buffer.from(whole.subarray(0, 16)).toString('base64url'),
      number: view.getUint32(16),
      windowBytes: view.getUint32(20),
    }
    const others = Array.from({ length: (input[openPartsBytes] ?? 0) % 8 }, (_, index) =>
      new Uint8Array(32).fill(index),
    )
    const open = encodeOpen(
      { from: member.id, endpoint, agreementKey: whole.subarray(24, 56) },
      { to: self.id, tag, secrets: [...others, secrets[0] as Uint8Array], signatures: member.signatures },
    )
    const published: { subject: string; bytes: Uint8Array; answerTo: string | undefined }[] = []
    const table = new LinkTable({
      self: { id: self.id, tag, secrets, signatures: self.signatures },
      options: checkOptions({ cluster, secrets: [secret] }),
      subjects,
      life: 'B'.repeat(22),
      connection: {
        maxPayload: 1024 * 1024,
        isUp: true,
        publish: (subject, bytes, answerTo) => void published.push({ subject, bytes, answerTo }),
        subscribe: nothing,
        settled: () => Promise.resolve(),
        close: () => Promise.resolve(),
      },
      platform: {
        clock: { monotonic: () => 0, wall: () => 0, after: () => ({ cancel: nothing }) },
        log: silent,
        turns: { enqueue: nothing },
      } as unknown as ConstructorParameters<typeof LinkTable>[0]['platform'],
      log: silent,
      drops: new Drops(silent, undefined),
      lost: nothing,
      refused: nothing,
      accepted: () => check(false, 'only what was sealed by the peer confirms a link'),
    })
    table.nodeMessage({ subject: subjects.node(self.id), bytes: open, nobody: false })
    table.nodeMessage({ subject: subjects.node(self.id), bytes: input, nobody: false })
    for (const { subject } of published)
      check(/^skerry\.1\.[\w-]{22}\.link\.[\w-]{22}\.\d+$/.test(subject), 'an answer goes to a link')
    const subject = published[0]?.answerTo ?? ''
    for (const bytes of packetsOf(input.subarray(openPartsBytes + 1))) {
      table.linkMessage({ subject, bytes: joined(Uint8Array.of(4), bytes), nobody: false })
      table.linkMessage({ subject, bytes, nobody: false })
    }
    table.stop()
  },
}

const openPartsBytes = 56

function openParts(windowBytes: number): Uint8Array {
  const bytes = new Uint8Array(openPartsBytes).fill(9)
  new DataView(bytes.buffer).setUint32(20, windowBytes)
  return bytes
}

function packets(...all: readonly Uint8Array[]): Uint8Array {
  return joined(...all.flatMap((one) => [Uint8Array.of(one.length), one]))
}

function packetsOf(bytes: Uint8Array): Uint8Array[] {
  const all: Uint8Array[] = []
  for (let at = 0; at < bytes.length;) {
    const end = at + 1 + (bytes[at] as number)
    all.push(bytes.slice(at + 1, end))
    at = end
  }
  return all
}

const [windowBytes, maxFrameBytes] = [64, 40]

/**
 * One end of a link under whatever its peer sends, in any order with what its owner does. The input is a list of steps: below 128
 * a packet of so many bytes, which follow; else what the owner does, and to which lane.
 */
export const natsSessionTarget: Target = {
  name: 'nats-session',
  seeds: () => [
    joined(
      Uint8Array.of(128, 129, 130),
      packets(Uint8Array.of(1, 0, 0, 0, 0, 2, 9, 9), Uint8Array.of(1, 1, 0, 0, 0, 1), Uint8Array.of(1, 1, 5)),
      Uint8Array.of(132, 144, 136),
      packets(encodePacket({ kind: 'credit', lane: 0, bytes: 20 }), encodePacket({ kind: 'close', reason: 'leaving' })),
      Uint8Array.of(144),
    ),
    joined(Uint8Array.of(132, 132, 132, 132, 144), packets(encodePacket({ kind: 'credit', lane: 0, bytes: 64 }))),
    packets(Uint8Array.of(1, 2, 0, 0, 0, 41)),
  ],
  generate: (draw) =>
    joined(
      ...Array.from({ length: draw(40) }, () =>
        pick(draw, [
          Uint8Array.of(128 + draw(24)),
          packets(Uint8Array.of(1, draw(3), 0, 0, 0, draw(45), ...drawBytes(draw, 45))),
          packets(Uint8Array.of(1, draw(3), ...drawBytes(draw, 60))),
          packets(encodePacket({ kind: 'credit', lane: draw(3), bytes: draw(70) })),
        ]),
      ),
    ),
  run(input) {
    let turn: (() => void) | undefined
    const came = lanes(() => 0)
    const granted = lanes(() => 0)
    const sent = lanes(() => 0)
    const credited = lanes(() => 0)
    const streams = lanes(() => [] as number[])
    const frames = lanes(() => [] as number[])
    const paused = lanes(() => false)
    const link: NatsLink = new NatsLink({
      peer: 'peer',
      identity: undefined,
      // What opens a packet has a target of its own.
      opener: { open: (packet: Uint8Array) => ({ kind: 'packet', packet }) } as unknown as Opener,
      maxFrameBytes,
      windowBytes,
      peerWindowBytes: windowBytes,
      packetBytesMax: 30,
      clock: { monotonic: () => 0, wall: () => 0, after: () => ({ cancel: nothing }) },
      turns: { enqueue: (queued) => (turn = () => queued.runTurn()) },
      publish: (bytes) => {
        const packet = decodePacket(bytes)
        check(packet !== undefined, 'what is sent can be read')
        if (packet.kind === 'credit') granted[packet.lane]! += packet.bytes
        if (packet.kind === 'data') sent[packet.lane]! += packet.bytes.length
      },
      confirmed: nothing,
      ignored: nothing,
      lost: nothing,
      gone: nothing,
    })
    for (let at = 0; at < input.length && !link.isClosed;) {
      const step = input[at] as number
      if (step < 128) {
        const bytes = input.slice(at + 1, at + 1 + step)
        at += 1 + step
        const packet = decodePacket(bytes)
        if (packet?.kind === 'data') {
          came[packet.lane]! += packet.bytes.length
          streams[packet.lane]!.push(...packet.bytes)
        }
        if (packet?.kind === 'credit') credited[packet.lane]! += packet.bytes
        link.receive(bytes)
      } else {
        at += 1
        act(step)
      }
      for (let lane = 0; lane < lanesPerLink && !link.isClosed; lane += 1) {
        check(came[lane]! - granted[lane]! <= windowBytes, 'a peer that sends more than its window loses the link')
        check(granted[lane]! <= came[lane]!, 'no more is granted than came')
        check(sent[lane]! - credited[lane]! <= windowBytes, 'no more is sent than the peer takes')
        check(isStart(frames[lane]!, streams[lane]!), 'frames come whole, in order, once')
      }
    }
    link.close('done')
    check(link.isClosed, 'a link that was closed is')

    function act(step: number): void {
      const lane = step % lanesPerLink
      const raw = link.lane(lane)
      switch (Math.floor((step - 128) / lanesPerLink) % 6) {
        case 0:
          raw.onFrame((frame) => {
            check(!paused[lane]!, 'a paused lane hands on nothing')
            check(frame.length <= maxFrameBytes, 'no frame is larger than the largest')
            frames[lane]!.push(0, 0, 0, frame.length, ...frame)
          })
          return
        case 1:
          raw.send(new Uint8Array(step % maxFrameBytes).fill(step))
          return
        case 2:
          raw.pause()
          paused[lane] = true
          return
        case 3:
          raw.resume()
          paused[lane] = false
          return
        case 4:
          link.beat(step > 200)
          return
        default:
          turn?.()
          turn = undefined
      }
    }
  },
}

function lanes<T>(each: () => T): T[] {
  return Array.from({ length: lanesPerLink }, each)
}

function isStart(part: readonly number[], whole: readonly number[]): boolean {
  return part.length <= whole.length && part.every((byte, index) => byte === whole[index])
}

const key = createSecretKey(Buffer.alloc(32, 5))
const sealed = Array.from(
  { length: 3 },
  (
    (sealer) => (_, index) =>
      sealer.seal(Uint8Array.of(index, 7), 0)
  )(new Sealer(key)),
)

/** A sealed packet: only what the peer sealed is opened, and it is opened once. */
export const natsSealedTarget: Target = {
  name: 'nats-sealed',
  seeds: () => sealed,
  generate: (draw) => joined(Uint8Array.of(0, 0, 0, 0, 0, draw(4)), drawBytes(draw, 60)),
  run(input) {
    const opener = new Opener(key)
    const which = sealed.findIndex((one) => isSameValue(new Uint8Array(one), new Uint8Array(input)))
    const { kind } = opener.open(input)
    check(kind === (which === -1 ? 'forged' : which === 0 ? 'packet' : 'lost'), 'only the peer moves a link on')
    check(
      opener.open(sealed[0] as Uint8Array).kind === (which === 0 ? 'repeated' : 'packet'),
      'nobody else moves it on',
    )
  },
}

/** Texts of peers: an address to dial, and the name of an author. */
export const natsTextTarget: Target = {
  name: 'nats-text',
  seeds: () => [formatAddress(tag, member.id), member.id, `nats:${tag}`].map((text) => utf8.encode(text)),
  generate: (draw) =>
    utf8.encode(
      pick(draw, [formatAddress(tag, drawText(draw)), `${member.id.slice(0, 42)}${pick(draw, ['A', 'B', '=', 'é'])}`]),
    ),
  run(input) {
    const text = new TextDecoder().decode(input)
    const target = parseAddress(text)
    if (target !== undefined) {
      check(formatAddress(target.tag, target.id) === text, 'there is one address of a place')
      check(/^[\w-]+$/.test(target.id), 'what is dialled is one word of a subject')
    }
    check(
      self.signatures.verify(text, signedBytes, signature) === (text === member.id),
      'only its author made a signature',
    )
  },
}

const signedBytes = Uint8Array.of(1, 2, 3)
const signature = member.signatures.sign(signedBytes)
