/** Values to bytes and back. What crosses threads of one node uses structured clone instead; region calls always use this. */
export interface Codec {
  /** Throws `ERR_NOT_ENCODABLE`, naming the path (`order.lines[3].fn`), for a value that can't be carried faithfully. */
  encode(value: unknown, name?: string): Uint8Array
  /** Throws `ERR_NOT_DECODABLE` for bytes that are not one whole value within the limits. */
  decode(bytes: Uint8Array): unknown
}
