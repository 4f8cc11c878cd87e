import { createHash } from 'node:crypto'
import type { DiscoverySelf } from '@skerry/core'
import type { ResponsePacket } from 'multicast-dns'

/** How long a place is known after it was last named, in seconds: what an answer says, and at most what is believed. */
export const ttlSeconds = 60
/** Bounds of what one packet, and one record of it, may name. */
const recordsPerPacketMax = 64
const addressesPerRecordMax = 8
/** A text in a DNS record has at most 255 bytes. */
const textBytesMax = 255

/** Where a packet says that a node is, and for how long that holds: 0 takes it back. */
export interface NamedPlace {
  readonly address: string
  readonly region: string | undefined
  readonly forSeconds: number
}

/** The same for every node of a cluster, and for nobody who does not know its name. */
export function serviceName(cluster: string): string {
  const digest = createHash('sha256').update(`skerry mdns ${cluster}`).digest('hex').slice(0, 24)
  return `_skerry-${digest}._udp.local`
}

/** The region, then the addresses that others can dial: those of loopback only where there is no other. */
export function answerTexts({ region, addresses }: Pick<DiscoverySelf, 'region' | 'addresses'>): string[] {
  const bare = addresses.map((address) => address.replace(/\/p2p\/[^/]+$/, ''))
  const outside = bare.filter((address) => !/^\/(?:ip4\/127\.|ip6\/::1\/)/.test(address))
  const texts = (outside.length > 0 ? outside : bare).map((address) => `a=${address}`)
  return [`r=${region}`, ...texts.filter((text) => text.length <= textBytesMax).slice(0, addressesPerRecordMax)]
}

// A packet's head, and the least that a question and a record take in it (RFC 1035, section 4.1).
const [headBytes, questionBytesMin, recordBytesMin] = [12, 5, 11]

/**
 * Whether a packet is long enough for the questions and records that its head counts. The library believes the count, and goes on
 * behind the end of the packet: 101 bytes that claim 50,944 records took it 74 ms and 15 MB.
 */
export function mayHoldWhatItCounts(packet: Uint8Array): boolean {
  if (packet.byteLength < headBytes) return false
  const view = new DataView(packet.buffer, packet.byteOffset, packet.byteLength)
  const records = view.getUint16(6) + view.getUint16(8) + view.getUint16(10)
  return headBytes + view.getUint16(4) * questionBytesMin + records * recordBytesMin <= packet.byteLength
}

/** The places in a packet, which anybody on the network may have sent: at most 64 records with 8 addresses each are read. */
export function placesIn(
  packet: Partial<Pick<ResponsePacket, 'answers' | 'additionals'>>,
  service: string,
): NamedPlace[] {
  const { answers = [], additionals = [] } = packet
  return [...answers, ...additionals].slice(0, recordsPerPacketMax).flatMap((record) => {
    if (record.type !== 'TXT' || record.name !== service) return []
    const forSeconds = Math.min(record.ttl ?? 0, ttlSeconds)
    const { region, addresses } = readTexts([record.data].flat().map(String))
    return addresses.map((address) => ({ address, region, forSeconds }))
  })
}

function readTexts(texts: readonly string[]): { region: string | undefined; addresses: readonly string[] } {
  const ofKey = (key: string): string[] =>
    texts.filter((text) => text.startsWith(`${key}=`)).map((text) => text.slice(key.length + 1))
  return { region: ofKey('r')[0], addresses: ofKey('a').slice(0, addressesPerRecordMax) }
}
