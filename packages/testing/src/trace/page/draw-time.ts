import { gutterPx, plotPx, preparedCanvas, xOf } from './layout.ts'
import type { PageModel } from './page-model.ts'
import { formatMoment, ticks, wholeRun } from './time-window.ts'
import type { View } from './view.ts'

const rowPx = 17
const ticksPx = 24

/** Draws the scale of the window, and above it every fault as a bar with its caption. */
export function drawAxis(canvas: HTMLCanvasElement, view: View): void {
  const { model, window, layout, theme } = view
  const rows = faultRows(model)
  const heightPx = ticksPx + Math.max(0, ...rows.map((row) => row + 1)) * rowPx + 4
  const context = preparedCanvas(canvas, layout.widthPx, heightPx)
  const x = (us: number): number => xOf(us, window, layout.widthPx)
  context.font = '11px system-ui, "Liberation Sans", sans-serif'
  context.textBaseline = 'middle'
  context.fillStyle = theme.soft
  const { atUs, stepUs } = ticks(window, plotPx(layout.widthPx) / 110)
  for (const us of atUs) {
    context.fillRect(x(us), heightPx - 5, 1, 5)
    context.fillText(formatMoment(us, stepUs), x(us) + 5, heightPx - 9)
  }
  // The canvas is drawn on again: what is not restored would clip the next picture.
  context.save()
  context.beginPath()
  context.rect(gutterPx - 6, 0, layout.widthPx, heightPx - ticksPx + 4)
  context.clip()
  for (const [index, { event, fromUs, untilUs }] of model.faults.entries()) {
    if (untilUs < window.fromUs || fromUs > window.toUs) continue
    const y = 4 + (rows[index] ?? 0) * rowPx
    const from = Math.max(gutterPx - 6, x(fromUs))
    const until = Math.min(layout.widthPx, Math.max(x(untilUs), from + 3))
    context.fillStyle = theme.band
    context.fillRect(from, y, until - from, rowPx - 3)
    context.fillStyle = theme.doubt
    context.fillRect(from, y, 2, rowPx - 3)
    context.fillStyle = theme.ink
    context.fillText((event.msg ?? 'fault').slice(0, 90), from + 7, y + rowPx / 2 - 1)
  }
  context.restore()
}

/** The first row of each fault in which neither it nor its caption, by a guess, runs into another; at most four rows. */
function faultRows({ faults, endUs }: PageModel): number[] {
  const freeUs: number[] = []
  return faults.map(({ fromUs, untilUs }) => {
    const found = freeUs.findIndex((us) => us <= fromUs)
    const row = found >= 0 ? found : Math.min(freeUs.length, 3)
    freeUs[row] = Math.max(untilUs, fromUs + endUs / 8)
    return row
  })
}

const scrubPx = 48

/** Draws the whole run in little: how much happens when, the faults, the failure, and the window. */
export function drawScrub(canvas: HTMLCanvasElement, view: View): void {
  const { model, window, layout, theme } = view
  const context = preparedCanvas(canvas, layout.widthPx, scrubPx)
  const whole = wholeRun(model.endUs)
  const x = (us: number): number => xOf(us, whole, layout.widthPx)
  context.fillStyle = theme.band
  for (const { fromUs, untilUs } of model.faults)
    context.fillRect(x(fromUs), 0, Math.max(1, x(untilUs) - x(fromUs)), scrubPx)
  const counts = countsByPixel(view)
  const most = counts.reduce((max, count) => Math.max(max, count), 1)
  context.fillStyle = theme.quiet
  for (const [index, count] of counts.entries()) {
    // The square root keeps quiet times visible beside busy ones.
    const height = count === 0 ? 0 : Math.max(1.5, Math.sqrt(count / most) * (scrubPx - 14))
    context.fillRect(gutterPx + index * barPx, scrubPx - height, barPx - 1, height)
  }
  const { failure } = model.trace.header
  context.fillStyle = theme.bad
  if (failure !== undefined) context.fillRect(x(failure.t) - 1, 0, 2, scrubPx)
  const [from, until] = [x(window.fromUs), x(window.toUs)]
  context.fillStyle = theme.mark
  context.fillRect(from, 0, Math.max(3, until - from), scrubPx)
  context.fillStyle = theme.accent
  for (const edge of [from, Math.max(from + 3, until)]) {
    context.fillRect(edge - 1, 0, 2, scrubPx)
    context.beginPath()
    context.roundRect(edge - 3, scrubPx / 2 - 9, 6, 18, 3)
    context.fill()
  }
  context.font = '600 11px system-ui, "Liberation Sans", sans-serif'
  context.textBaseline = 'middle'
  context.fillStyle = theme.soft
  context.fillText('Whole run', 20, scrubPx / 2)
}

const barPx = 3
let counted:
  | {
      readonly shown: Uint8Array
      readonly widthPx: number
      readonly counts: readonly number[]
    }
  | undefined

/** Counted again only when the filter or the width changed, not on every move. */
function countsByPixel({ model, shown, layout: { widthPx } }: View): readonly number[] {
  if (counted?.shown === shown && counted.widthPx === widthPx) return counted.counts
  const counts = Array.from({ length: Math.ceil(plotPx(widthPx) / barPx) }, () => 0)
  const whole = wholeRun(model.endUs)
  for (const { i, t } of model.events) {
    if (shown[i] === 0) continue
    const bar = Math.floor((xOf(t, whole, widthPx) - gutterPx) / barPx)
    counts[bar] = (counts[bar] ?? 0) + 1
  }
  counted = { shown, widthPx, counts }
  return counts
}
