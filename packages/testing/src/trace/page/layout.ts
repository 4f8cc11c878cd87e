import type { PageModel } from './page-model.ts'
import type { TimeWindow } from './time-window.ts'

/** Left of it stand the names of the nodes. */
export const gutterPx = 140

/** Right of the last moment. */
const marginPx = 16

/** Where lanes and moments lie on the canvas, in CSS pixels. */
export interface Layout {
  readonly widthPx: number
  readonly heightPx: number
  readonly laneHeightPx: number
  /** The middle of each lane. */
  readonly laneY: readonly number[]
  /** Where each region's name stands. */
  readonly regions: readonly { readonly name: string; readonly y: number }[]
}

/** Spreads the lanes over the room there is, but never so tight that they can't be told apart: then one scrolls. */
export function layLanes({ lanes }: PageModel, widthPx: number, roomPx: number): Layout {
  const regionPx = 24
  const regionCount = new Set(lanes.slice(1).map(({ region }) => region)).size
  const laneHeightPx = Math.min(84, Math.max(22, Math.floor((roomPx - regionPx * regionCount - 16) / lanes.length)))
  const laneY: number[] = []
  const regions: { name: string; y: number }[] = []
  let y = 8
  for (const [index, { region }] of lanes.entries()) {
    if (index > 0 && region !== lanes[index - 1]?.region) {
      regions.push({ name: region, y: y + regionPx / 2 + 2 })
      y += regionPx
    }
    laneY.push(y + laneHeightPx / 2)
    y += laneHeightPx
  }
  return {
    widthPx,
    heightPx: Math.max(y + 8, roomPx),
    laneHeightPx,
    laneY,
    regions,
  }
}

/** The place of a moment. */
export function xOf(us: number, { fromUs, toUs }: TimeWindow, widthPx: number): number {
  return gutterPx + ((us - fromUs) / (toUs - fromUs)) * plotPx(widthPx)
}

/** The moment of a place. */
export function usAt(x: number, { fromUs, toUs }: TimeWindow, widthPx: number): number {
  return fromUs + ((x - gutterPx) / plotPx(widthPx)) * (toUs - fromUs)
}

/** How much of the width shows time. */
export function plotPx(widthPx: number): number {
  return Math.max(1, widthPx - gutterPx - marginPx)
}

/** A canvas as wide as its parent and so high, sharp on any screen; wiped. */
export function preparedCanvas(canvas: HTMLCanvasElement, widthPx: number, heightPx: number): CanvasRenderingContext2D {
  const scale = devicePixelRatio
  const [width, height] = [Math.round(widthPx * scale), Math.round(heightPx * scale)]
  // Setting a size, even the same, costs a new buffer.
  if (canvas.width !== width) canvas.width = width
  if (canvas.height !== height) canvas.height = height
  canvas.style.height = `${heightPx}px`
  const context = canvas.getContext('2d')
  if (context === null) throw new Error('This browser can not draw')
  context.setTransform(scale, 0, 0, scale, 0, 0)
  context.clearRect(0, 0, widthPx, heightPx)
  return context
}
