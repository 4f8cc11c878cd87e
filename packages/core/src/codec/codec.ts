/** Values to bytes and back. What crosses threads of one node uses structured clone instead; region calls always use this. */
export interface Codec {
  /**
   * Throws `ERR_NOT_ENCODABLE`, naming the path (`order.lines[3].fn`), for a value that can't be carried faithfully. The bytes
   * are the caller's, and never change: a large one is kept as it is until its last part has left.
   */
  encode(value: unknown, name?: string): Uint8Array
  /**
   * Throws `ERR_NOT_DECODABLE` for bytes that are not one whole value within the limits. `given`: nobody else has the bytes, so
   * large arrays of the value may point into them instead of being copies. Default: false.
   */
  decode(bytes: Uint8Array, given?: boolean): unknown
  /**
   * What the value that was decoded last is taken to need, in bytes, beside what it took on the way: much more for many small objects.
   * `undefined` for a codec that does not know.
   */
  readonly decodedCost?: number
}
