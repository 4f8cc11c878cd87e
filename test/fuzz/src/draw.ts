/** Draws whole numbers from 0 to below the bound; the same seed draws the same ones (mulberry32). */
export type Draw = (below: number) => number

export function seededDraw(seed: number): Draw {
  let state = seed >>> 0
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below)
  }
}

export function pick<T>(draw: Draw, choices: readonly T[]): T {
  return choices[draw(choices.length)] as T
}

export function drawBytes(draw: Draw, bytesMax: number): Uint8Array {
  return Uint8Array.from({ length: draw(bytesMax + 1) }, () => draw(256))
}

/** Mostly small ones, and those around the edges of what a number's bytes can hold. */
export function drawCount(draw: Draw): number {
  switch (draw(4)) {
    case 0:
      return draw(4)
    case 1:
      return draw(300)
    case 2:
      return Math.max(0, 2 ** pick(draw, [7, 8, 14, 16, 21, 31, 32, 53]) - 1 - draw(2))
    default:
      return draw(2 ** 32) * draw(2 ** 20)
  }
}

export function drawText(draw: Draw): string {
  const pieces = ['a', 'Z0', 'é', '漢', '😀', '\0', '__proto__', 'constructor', 'orders.create', ' ']
  return Array.from({ length: draw(5) }, () => pick(draw, pieces)).join('')
}
