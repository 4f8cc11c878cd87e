import { type Draw, drawBytes, drawCount, drawText, pick } from '../draw.ts'
import { joined } from '../mutate.ts'

const utf8 = new TextEncoder()

/**
 * Bytes by the grammar of msgpack, as our codec uses it and as it doesn't: right in most places, and now and then with a
 * length, a type or a depth that is not.
 */
export function generatePacked(draw: Draw, depth = 5): Uint8Array {
  if (depth === 0 || draw(3) === 0) return leaf(draw)
  const count = pick(draw, [0, 1, 2, 3, 5])
  const said = draw(30) === 0 ? drawCount(draw) % 2 ** 32 : count
  switch (draw(6)) {
    case 0:
      return joined(head(draw, 0x90, 0xdc, 0xdd, said), ...items(draw, count, depth))
    case 1:
    case 2: {
      const pairs = Array.from({ length: count }, () => [key(draw), generatePacked(draw, depth - 1)]).flat()
      return joined(head(draw, 0x80, 0xde, 0xdf, said), ...pairs)
    }
    case 3:
      // A set, or one of the tagged kinds: a map, an error, a URL, -0, UTF-16.
      return joined(Uint8Array.of(0xd4, pick(draw, [0x73, 0x53, draw(256)]), draw(4)), list(draw, depth))
    case 4:
      return packedError(draw, depth)
    default:
      return joined(...Array.from({ length: draw(3) }, () => Uint8Array.of(0x91)), generatePacked(draw, depth - 1))
  }
}

/** An object that looks like an error as data, or nearly. */
export function packedErrorData(draw: Draw, depth = 3): Uint8Array {
  const fields: Uint8Array[] = []
  const add = (name: string, value: Uint8Array): void => void fields.push(text(name), value)
  add('type', text(pick(draw, ['error', 'error', 'error', 'shutdown'])))
  for (const name of ['name', 'message', 'code', 'stack', 'outcome']) {
    if (draw(5) > 0) add(name, draw(4) > 0 ? text(pick(draw, ['unknown', 'ran', 'E', ''])) : generatePacked(draw, 2))
  }
  if (depth > 0 && draw(2) === 0) add(pick(draw, ['cause', 'reason']), packedErrorData(draw, depth - 1))
  if (draw(8) === 0) add(pick(draw, ['toString', 'valueOf', 'toJSON', 'cause']), generatePacked(draw, 1))
  return joined(Uint8Array.of(0x80 + fields.length / 2), ...fields)
}

function leaf(draw: Draw): Uint8Array {
  switch (draw(9)) {
    case 0:
      return Uint8Array.of(pick(draw, [0xc0, 0xc2, 0xc3, 0x00, 0x7f, 0xe0, 0xff]))
    case 1:
      return joined(
        Uint8Array.of(pick(draw, [0xcc, 0xcd, 0xce, 0xcf, 0xd0, 0xd1, 0xd2, 0xd3, 0xca, 0xcb])),
        eight(draw),
      )
    case 2:
      return text(pick(draw, [drawText(draw), 'https://a.b/c?d', 'constructor', '']))
    case 3:
      return joined(Uint8Array.of(0xd9, draw(40)), drawBytes(draw, 40))
    case 4:
      // undefined, a date, a bigint
      return pick(draw, [Uint8Array.of(0xd4, 0, 0), joined(Uint8Array.of(0xd7, 0xff), eight(draw)), bigint(draw)])
    case 5:
      return typedArray(draw)
    case 6:
      return Uint8Array.of(0xd4, 0x53, 0, 0x91, pick(draw, [0, 1, 2, 3, 4]))
    default:
      return Uint8Array.of(draw(128))
  }
}

function items(draw: Draw, count: number, depth: number): Uint8Array[] {
  return Array.from({ length: count }, () => generatePacked(draw, depth - 1))
}

function list(draw: Draw, depth: number): Uint8Array {
  const count = draw(6)
  const first = draw(2) === 0 ? [Uint8Array.of(draw(6))] : []
  return joined(Uint8Array.of(0x90 + count + first.length), ...first, ...items(draw, count, depth))
}

function packedError(draw: Draw, depth: number): Uint8Array {
  const cause = depth > 1 && draw(3) === 0 ? errorParts(draw, depth - 1) : generatePacked(draw, 1)
  const parts = [Uint8Array.of(1), text('E'), text(drawText(draw)), leaf(draw), leaf(draw), cause]
  return joined(Uint8Array.of(0xd4, 0x53, 0, 0x90 + parts.length), ...parts)
}

function errorParts(draw: Draw, depth: number): Uint8Array {
  const cause = depth > 1 && draw(2) === 0 ? errorParts(draw, depth - 1) : leaf(draw)
  return joined(Uint8Array.of(0x95), text('E'), text(drawText(draw)), leaf(draw), leaf(draw), cause)
}

function head(draw: Draw, short: number, middle: number, long: number, count: number): Uint8Array {
  if (count < 16 && draw(3) > 0) return Uint8Array.of(short + count)
  if (count < 2 ** 16 && draw(2) === 0) return Uint8Array.of(middle, count >> 8, count)
  return Uint8Array.of(long, count >>> 24, count >>> 16, count >>> 8, count)
}

function key(draw: Draw): Uint8Array {
  return draw(20) === 0 ? leaf(draw) : text(pick(draw, ['a', 'type', 'message', 'name', '__proto__', drawText(draw)]))
}

function bigint(draw: Draw): Uint8Array {
  const bytes = drawBytes(draw, 20)
  return joined(Uint8Array.of(0xc7, bytes.length, 0x42), bytes)
}

function typedArray(draw: Draw): Uint8Array {
  const bytes = drawBytes(draw, 40)
  return joined(Uint8Array.of(0xc7, bytes.length + 1, 0x74, draw(18)), bytes)
}

function eight(draw: Draw): Uint8Array {
  return Uint8Array.from({ length: 8 }, () => pick(draw, [0, 0xff, draw(256)]))
}

export function text(value: string): Uint8Array {
  const bytes = utf8.encode(value)
  return joined(bytes.length < 32 ? Uint8Array.of(0xa0 + bytes.length) : Uint8Array.of(0xd9, bytes.length), bytes)
}
