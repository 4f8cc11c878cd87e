/**
 * Bytes that stand somewhere in a larger block, and stay as they are: an array of its own for each small frame costs as much as
 * to write what is in it.
 */
export class BlockSlice {
  readonly block: Uint8Array
  readonly from: number
  readonly end: number

  constructor(block: Uint8Array, from: number, end: number) {
    this.block = block
    this.from = from
    this.end = end
  }

  get byteLength(): number {
    return this.end - this.from
  }

  /** A view of them, which is not a copy. */
  view(): Uint8Array {
    const { block, from, end } = this
    // A third faster than `subarray`, which asks what to make.
    return new Uint8Array(block.buffer as ArrayBuffer, block.byteOffset + from, end - from)
  }

  /** A copy that is all of its block, for what waits: the block may hold hundreds of others' frames, which nobody counts. */
  alone(): BlockSlice {
    return new BlockSlice(this.view().slice(), 0, this.byteLength)
  }
}
