import { Uint8ArrayList } from 'uint8arraylist'

// Fewer are no matter, and larger ones not worth a copy.
const piecesMax = 8
const pieceBytesMin = 256

/**
 * The same bytes, put together if they are many small pieces. Each piece takes some two hundred bytes beside its own, and in how many a frame comes is for the
 * peer to say: it may send it in Noise messages of a byte each.
 */
export function inFewPieces(list: Uint8ArrayList): Uint8ArrayList {
  const pieces = piecesOf(list)
  return pieces <= piecesMax || list.byteLength >= pieces * pieceBytesMin ? list : new Uint8ArrayList(list.slice())
}

/** Another version may keep its pieces elsewhere; then they stay as they are. */
function piecesOf(list: object): number {
  return 'bufs' in list && Array.isArray(list.bufs) ? list.bufs.length : 0
}
