/** How many lanes a link has. All share one connection to the server, so a further one would only be further bookkeeping. */
export const lanesPerLink = 3

/** The parts of a packet before its bytes: what it is, and which lane it is about. */
export const packetHeadBytes = 2
const reasonBytesMax = 512

const kinds = { data: 1, credit: 2, close: 3, alive: 4 } as const

/** What one end of a link says to the other, inside a sealed packet. */
export type LinkPacket =
  /** The next bytes of a lane. */
  | { readonly kind: 'data'; readonly lane: number; readonly bytes: Uint8Array }
  /** So many more bytes of a lane were taken, and may be followed by others. */
  | { readonly kind: 'credit'; readonly lane: number; readonly bytes: number }
  | { readonly kind: 'close'; readonly reason: string }
  /** Nothing, but that we are here. */
  | { readonly kind: 'alive' }

/** A packet for the next bytes of a lane, with room for them. */
export function dataPacket(lane: number, bytes: number): Uint8Array {
  const packet = Buffer.allocUnsafe(packetHeadBytes + bytes)
  packet[0] = kinds.data
  packet[1] = lane
  return packet
}

export function encodePacket(packet: Exclude<LinkPacket, { kind: 'data' }>): Uint8Array {
  if (packet.kind === 'alive') return Uint8Array.of(kinds.alive)
  if (packet.kind === 'credit') {
    const bytes = Buffer.alloc(packetHeadBytes + 4)
    bytes[0] = kinds.credit
    bytes[1] = packet.lane
    bytes.writeUInt32BE(packet.bytes, packetHeadBytes)
    return bytes
  }
  return Buffer.concat([Uint8Array.of(kinds.close), Buffer.from(packet.reason).subarray(0, reasonBytesMax)])
}

/** `undefined` for what {@link encodePacket} would not write. */
export function decodePacket(bytes: Uint8Array): LinkPacket | undefined {
  const lane = bytes[1] as number
  switch (bytes[0]) {
    case kinds.data:
      if (bytes.byteLength <= packetHeadBytes || lane >= lanesPerLink) return undefined
      return { kind: 'data', lane, bytes: bytes.subarray(packetHeadBytes) }
    case kinds.credit:
      if (bytes.byteLength !== packetHeadBytes + 4 || lane >= lanesPerLink) return undefined
      return {
        kind: 'credit',
        lane,
        bytes: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(packetHeadBytes),
      }
    case kinds.close:
      if (bytes.byteLength > 1 + reasonBytesMax) return undefined
      return { kind: 'close', reason: Buffer.from(bytes.subarray(1)).toString() }
    case kinds.alive:
      return bytes.byteLength === 1 ? { kind: 'alive' } : undefined
    default:
      return undefined
  }
}
