import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { choosePlaces } from '../../../../packages/core/dist/discovery/choose-places.js'
import { dnsDiscovery, srvDiscovery } from '../../../../packages/core/dist/discovery/dns-discovery.js'
import { flyDiscovery } from '../../../../packages/core/dist/discovery/fly-discovery.js'
import type { DiscoverySource, OpenSource } from '../../../../packages/core/dist/discovery/source.js'
import type { Dns } from '../../../../packages/core/dist/platform/dns.js'
import {
  answerTexts,
  mayHoldWhatItCounts,
  placesIn,
  serviceName,
} from '../../../../packages/transport-libp2p/dist/mdns-answer.js'
import { type Draw, drawBytes, drawText, pick } from '../draw.ts'
import { check, type Target, unlessRefused } from '../target.ts'

const utf8 = new TextEncoder()
const isName = /^(?!-)[a-z0-9_-]{1,63}(?:\.(?!-)[a-z0-9_-]{1,63})*$/i
const never = new AbortController().signal
const self = { node: 'n1', cluster: 'shop', region: 'syd', addresses: ['/ip4/10.0.0.1/tcp/4001/p2p/n1'] }

/** The records of one answer, a line each: what a name server may say after its packets were read. */
let answer: readonly string[] = []
let asked: string[] = []

const dns: Dns = {
  addresses4: (name) => say(name, () => answer),
  addresses6: (name) => say(name, () => answer),
  texts: (name) => say(name, () => answer),
  services: (name) =>
    say(name, () => answer.map((line) => ({ host: line, port: ((line.codePointAt(0) ?? 0) * 97) % 65_536 }))),
}

function say<T>(name: string, records: () => T): Promise<T> {
  check(name.length <= 253 && isName.test(name), 'only what is a name is asked for')
  asked.push(name)
  return Promise.resolve(records())
}

const sources = [
  flyDiscovery({ app: 'shop', port: 4001 }),
  srvDiscovery({ name: '_mesh._tcp.shop.internal' }),
  dnsDiscovery({ name: 'nodes.shop.internal', port: 4001 }),
].map(opened)

function opened(source: DiscoverySource): OpenSource {
  return source.open(self, { dns } as unknown as Parameters<DiscoverySource['open']>[1])
}

/** What name servers answer, on its way to the dialler. The first byte says which source asked. */
export const dnsAnswerTarget: Target = {
  name: 'dns-answer',
  seeds: () =>
    [
      '91851e13e45e58 ams,9080514c154587 syd',
      'ams,syd',
      'fdaa::1\nfdaa::2',
      'a.shop.internal\nb.shop.internal',
    ].flatMap((text) => [0, 1, 2].map((source) => Uint8Array.of(source, ...utf8.encode(text)))),
  generate: (draw: Draw) => {
    const words = ['1 ams', 'syd', 'fdaa::1', 'x.internal', '.', '-a', 'a..b', drawText(draw)]
    const lines = Array.from({ length: draw(30) }, () =>
      Array.from({ length: 1 + draw(4) }, () => pick(draw, words)).join(','),
    )
    return Uint8Array.of(draw(3), ...utf8.encode(lines.join('\n')))
  },
  async run(input) {
    answer = new TextDecoder().decode(input.subarray(1)).split('\n')
    asked = []
    const found = await (sources[(input[0] ?? 0) % sources.length] as OpenSource).find(never)
    const places = 'places' in found ? found.places : found
    check(asked.length <= 2 + 2 * 256, 'an answer leads to few further questions')
    const chosen = choosePlaces(places, { max: 64, isHeld: () => false, isOurs: () => false, pick: () => 0 })
    check(chosen.places.length <= 64, 'few places are chosen')
    check(
      chosen.places.every(({ address }) => address.length <= 512),
      'no address is longer than one is kept',
    )
  },
}

const requireMdns = createRequire(
  createRequire(fileURLToPath(new URL('../../../../packages/transport-libp2p/dist/index.js', import.meta.url))).resolve(
    'multicast-dns',
  ),
)
const dnsPacket = requireMdns('dns-packet') as {
  decode(bytes: Buffer): Parameters<typeof placesIn>[0]
  encode(packet: object): Buffer
}
const service = serviceName(self.cluster)

/** Packets that anybody on the local network may send, as they come out of the socket. */
export const mdnsPacketTarget: Target = {
  name: 'mdns-packet',
  seeds: () => [
    mdnsPacket([answerTexts(self)]),
    mdnsPacket([answerTexts(self), ['r=lax', 'a=/ip4/10.0.0.2/tcp/1'], []]),
    dnsPacket.encode({ type: 'query', questions: [{ name: service, type: 'TXT' }] }),
  ],
  generate: (draw: Draw) =>
    mdnsPacket(
      Array.from({ length: draw(70) }, () =>
        Array.from({ length: 1 + draw(4) }, () =>
          pick(draw, ['r=', 'a=', 'r=syd', 'a=/ip4/1.2.3.4/tcp/1', drawText(draw)]),
        ),
      ),
      pick(draw, [0, 60, 2 ** 32 - 1]),
      drawBytes(draw, 9),
    ),
  run(input) {
    if (!mayHoldWhatItCounts(input)) return
    let packet: Parameters<typeof placesIn>[0]
    try {
      packet = dnsPacket.decode(Buffer.from(input))
    } catch {
      // The socket's library takes whatever is thrown for a packet that is none.
      return
    }
    const places = placesIn(packet, service)
    check(places.length <= 64 * 8, 'a packet names few places')
    for (const { address, region, forSeconds } of places) {
      check(typeof address === 'string' && (region === undefined || typeof region === 'string'), 'places are texts')
      check(forSeconds >= 0 && forSeconds <= 60, 'a place is forgotten in time')
    }
    unlessRefused([], () => choosePlaces(places, { max: 64, isHeld: () => false, isOurs: () => false, pick: () => 0 }))
  },
}

function mdnsPacket(
  records: readonly (readonly string[])[],
  ttl = 60,
  more: Uint8Array = new Uint8Array(0),
): Uint8Array {
  const answers = records.map((data) => ({ name: service, type: 'TXT', ttl, data }))
  return new Uint8Array(Buffer.concat([dnsPacket.encode({ type: 'response', answers }), more]))
}
