import type { Framing } from './piece-joiner.ts'

// gossipsub refuses a longer one.
const varintBytesMax = 8

/** Each message behind its length as a varint: gossip. */
export function behindVarints(): Framing {
  let bytes = 0
  let length = 0
  return {
    read(byte) {
      length += (byte & 0x7f) * 2 ** (7 * bytes)
      bytes += 1
      if (byte >= 0x80) return bytes === varintBytesMax ? 'none' : undefined
      const said = length
      bytes = 0
      length = 0
      return said
    },
  }
}

const headerBytes = 12
const typeAt = 1
const lengthAt = 8
// In the other types of frames that number means something else, and nothing follows.
const dataType = 0

/** yamux's frames: headers of 12 bytes, of which that of data is followed by as many as it says. */
export function yamuxFrames(): Framing {
  let at = 0
  let type = 0
  let length = 0
  return {
    read(byte) {
      if (at === typeAt) type = byte
      if (at >= lengthAt) length = length * 256 + byte
      at += 1
      if (at < headerBytes) return undefined
      const said = type === dataType ? length : 0
      at = 0
      length = 0
      return said
    },
  }
}
