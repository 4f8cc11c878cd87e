import type { TraceEvent } from '../trace-event.ts'
import { gutterPx, preparedCanvas, xOf } from './layout.ts'
import { countBefore, type Lane, type Message } from './page-model.ts'
import { looks, type Theme } from './theme.ts'
import type { View } from './view.ts'

/** More arrows than this are a smear, and slow; which are left out is told. */
const arrowsMax = 3_000

/** What a picture could not show. */
export interface Drawn {
  readonly arrows: number
  readonly arrowsLeftOut: number
}

/** Draws the lanes as they are in the window: only what lies in it is looked at. */
export function drawLanes(canvas: HTMLCanvasElement, view: View): Drawn {
  const { layout, model, theme } = view
  const context = preparedCanvas(canvas, layout.widthPx, layout.heightPx)
  context.save()
  context.beginPath()
  context.rect(gutterPx - 6, 0, layout.widthPx, layout.heightPx)
  context.clip()
  for (const [index, lane] of model.lanes.entries()) drawLane(context, view, lane, layout.laneY[index] ?? 0)
  drawFailureLine(context, view)
  context.globalAlpha = view.chain.length > 0 ? 0.25 : 1
  const messages = messagesInWindow(view)
  const stride = Math.max(1, Math.ceil(messages.length / arrowsMax))
  const arrows = messages.filter((_, index) => index % stride === 0)
  context.globalAlpha *= arrows.length > 400 ? 0.3 : 0.75
  context.strokeStyle = context.fillStyle = theme.message
  for (const message of arrows) drawArrow(context, view, message, arrows.length < 400)
  context.globalAlpha = view.chain.length > 0 ? 0.35 : 1
  for (const [index, lane] of model.lanes.entries()) drawEvents(context, view, lane, layout.laneY[index] ?? 0)
  context.globalAlpha = 1
  drawChain(context, view)
  context.restore()
  return {
    arrows: arrows.length,
    arrowsLeftOut: messages.length - arrows.length,
  }
}

function drawLane(context: CanvasRenderingContext2D, view: View, lane: Lane, y: number): void {
  const { theme, layout } = view
  const half = layout.laneHeightPx / 2 - 1
  const x = (us: number): number => xOf(us, view.window, layout.widthPx)
  context.fillStyle = theme.band
  for (const { fromUs, untilUs } of lane.faults)
    context.fillRect(x(fromUs), y - half, Math.max(1.5, x(untilUs) - x(fromUs)), half * 2)
  context.fillStyle = theme.down
  for (const { fromUs, untilUs } of lane.downs)
    if (fromUs > 0) context.fillRect(x(fromUs), y - half, Math.max(1.5, x(untilUs) - x(fromUs)), half * 2)
  context.strokeStyle = theme.lane
  context.lineWidth = 1
  context.beginPath()
  let upUs = 0
  for (const { fromUs, untilUs } of [...lane.downs, { fromUs: view.model.endUs, untilUs: 0 }]) {
    // Held within the canvas: lines of millions of pixels are drawn badly.
    context.moveTo(Math.max(0, x(upUs)), y)
    if (fromUs > upUs) context.lineTo(Math.min(layout.widthPx, x(fromUs)), y)
    upUs = untilUs
  }
  context.stroke()
  for (const { fromUs, untilUs } of lane.downs) drawEnd(context, theme, [x(fromUs), x(untilUs)], y, fromUs > 0)
}

/** A lane that ends and begins again: a bar where it ends, a dotted way to where it begins. */
function drawEnd(
  context: CanvasRenderingContext2D,
  theme: Theme,
  [from, until]: readonly [number, number],
  y: number,
  isCrash: boolean,
): void {
  context.save()
  context.strokeStyle = isCrash ? theme.bad : theme.lane
  context.setLineDash([1.5, 5])
  context.beginPath()
  context.moveTo(Math.max(0, from), y)
  context.lineTo(Math.min(5_000, until), y)
  context.stroke()
  context.setLineDash([])
  context.lineWidth = 2
  if (isCrash) line(context, from, y - 7, from, y + 7)
  context.restore()
}

function drawFailureLine(context: CanvasRenderingContext2D, view: View): void {
  const { failure } = view.model.trace.header
  if (failure === undefined) return
  const x = xOf(failure.t, view.window, view.layout.widthPx)
  context.save()
  context.strokeStyle = view.theme.bad
  context.setLineDash([4, 4])
  line(context, x, 0, x, view.layout.heightPx)
  context.restore()
}

/** Messages sort by arrival; one that arrives after the window may have begun in it, but no longer ago than the longest flight. */
function messagesInWindow({ model, window, shown }: View): Message[] {
  const { messages, flightUsMax } = model
  const arrival = (index: number): number => messages[index]?.recv.t ?? 0
  const from = countBefore(messages.length, arrival, window.fromUs)
  const until = countBefore(messages.length, arrival, window.toUs + flightUsMax + 1)
  return messages
    .slice(from, until)
    .filter(({ send, recv }) => send.t <= window.toUs && (shown[send.i] === 1 || shown[recv.i] === 1))
}

function drawArrow(context: CanvasRenderingContext2D, view: View, { send, recv }: Message, hasHead: boolean): void {
  const [fromX, fromY, toX, toY] = arrowLine(view, send, recv)
  context.lineWidth = 1
  line(context, fromX, fromY, toX, toY)
  if (!hasHead) return
  const angle = Math.atan2(toY - fromY, toX - fromX)
  const [tipX, tipY] = [toX - 4 * Math.cos(angle), toY - 4 * Math.sin(angle)]
  context.beginPath()
  context.moveTo(tipX, tipY)
  for (const side of [-0.38, 0.38]) context.lineTo(tipX - 8 * Math.cos(angle + side), tipY - 8 * Math.sin(angle + side))
  context.fill()
}

/** From where to where an arrow goes, in pixels. */
export function arrowLine(view: View, send: TraceEvent, recv: TraceEvent): readonly [number, number, number, number] {
  const [from, to] = [placeOf(view, send), placeOf(view, recv)]
  return [from.x, from.y, to.x, to.y]
}

/** Where an event lies, in pixels. */
function placeOf({ model, window, layout }: View, event: TraceEvent): { readonly x: number; readonly y: number } {
  return {
    x: xOf(event.t, window, layout.widthPx),
    y: layout.laneY[model.laneOf[event.i] ?? 0] ?? 0,
  }
}

interface Spot {
  readonly x: number
  readonly event: TraceEvent
}

/** Events that would cover each other share a spot, where the weightiest is seen. */
function drawEvents(context: CanvasRenderingContext2D, view: View, lane: Lane, y: number): void {
  const { model, window, layout, shown } = view
  const timeAt = (at: number): number => model.events[lane.events[at] ?? 0]?.t ?? 0
  const until = countBefore(lane.events.length, timeAt, window.toUs + 1)
  const spots: Spot[] = []
  for (let at = countBefore(lane.events.length, timeAt, window.fromUs); at < until; at += 1) {
    const event = model.events[lane.events[at] ?? 0]
    if (event === undefined || shown[event.i] === 0) continue
    const x = xOf(event.t, window, layout.widthPx)
    const last = spots.at(-1)
    if (last === undefined || x - last.x >= 5) spots.push({ x, event })
    else if (looks[event.kind].weight > looks[last.event.kind].weight) spots[spots.length - 1] = { x: last.x, event }
  }
  for (const spot of spots) {
    drawMark(context, view.theme, spot.event, spot.x, y)
    if (spot.event.kind === 'drop') drawLostArrow(context, view, spot, y)
  }
  // Beside a chain, only its own captions matter.
  if (view.chain.length === 0) drawCaptions(context, view, spots, y)
}

/** The shape of an event. */
function drawMark(context: CanvasRenderingContext2D, theme: Theme, event: TraceEvent, x: number, y: number): void {
  const { color, shape } = looks[event.kind]
  context.fillStyle = context.strokeStyle = theme[color]
  context.lineWidth = 1.6
  context.beginPath()
  if (shape === 'cross') {
    for (const side of [-4, 4]) {
      context.moveTo(x - 4, y - side)
      context.lineTo(x + 4, y + side)
    }
    context.stroke()
  } else if (shape === 'diamond') {
    context.moveTo(x, y - 6)
    for (const [dx, dy] of [
      [6, 0],
      [0, 6],
      [-6, 0],
    ] as const)
      context.lineTo(x + dx, y + dy)
    context.fill()
  } else {
    context.arc(x, y, shape === 'ring' ? 3 : 3.4, 0, Math.PI * 2)
    context.fill()
    if (shape !== 'ring') return
    context.fillStyle = theme.paper
    context.beginPath()
    context.arc(x, y, 1.6, 0, Math.PI * 2)
    context.fill()
  }
}

/** Of a frame that was dropped: the first piece of its way. */
function drawLostArrow(
  context: CanvasRenderingContext2D,
  { model, layout }: View,
  { x, event }: Spot,
  y: number,
): void {
  const peer = model.lanes.findIndex(({ name }) => name === event.peer)
  if (peer < 0) return
  const way = Math.sign((layout.laneY[peer] ?? 0) - y) * Math.min(layout.laneHeightPx * 0.42, 16)
  context.save()
  context.setLineDash([2, 2])
  line(context, x, y, x + Math.abs(way) * 0.8, y + way)
  context.restore()
}

function drawCaptions(context: CanvasRenderingContext2D, view: View, spots: readonly Spot[], y: number): void {
  if (view.layout.laneHeightPx < 24) return
  context.font = '11px system-ui, "Liberation Sans", sans-serif'
  context.fillStyle = view.theme.soft
  let freeX = -Infinity
  for (const [index, { x, event }] of spots.entries()) {
    const nextX = spots[index + 1]?.x ?? view.layout.widthPx
    const room = nextX - x - 10
    if (room < 34 || x < freeX) continue
    const text = fitted(context, event.msg ?? event.kind, room)
    drawText(context, view.theme, text, x + 5, y - 7)
    freeX = x + 10 + context.measureText(text).width
  }
}

/** With a rim of the paper's colour, so that arrows do not run through it. */
function drawText(context: CanvasRenderingContext2D, theme: Theme, text: string, x: number, y: number): void {
  context.strokeStyle = theme.paper
  context.lineWidth = 3
  context.lineJoin = 'round'
  context.strokeText(text, x, y)
  context.fillText(text, x, y)
}

function fitted(context: CanvasRenderingContext2D, text: string, room: number): string {
  const whole = text.slice(0, 120)
  const width = context.measureText(whole).width
  if (width <= room) return whole
  return `${whole.slice(0, Math.max(1, Math.floor((whole.length * room) / width) - 1)).trimEnd()}…`
}

function drawChain(context: CanvasRenderingContext2D, view: View): void {
  const { chain, theme } = view
  context.font = '11px system-ui, "Liberation Sans", sans-serif'
  context.strokeStyle = context.fillStyle = theme.accent
  for (const [index, event] of chain.entries()) {
    const before = chain[index - 1]
    if (before === undefined) continue
    if (before.node !== event.node) drawArrow(context, view, { send: before, recv: event }, true)
    context.lineWidth = 2.5
    line(context, ...arrowLine(view, before, event))
  }
  for (const [index, event] of chain.entries()) {
    const { x, y } = placeOf(view, event)
    context.fillStyle = theme.paper
    disc(context, x, y, 6)
    drawMark(context, theme, event, x, y)
    const after = chain[index + 1]
    // Of several in one place the last has the caption.
    if (after?.node !== event.node || placeOf(view, after).x - x > 60) drawChainCaption(context, view, event, x, y)
  }
  const last = chain.at(-1)
  if (last === undefined) return
  const { x, y } = placeOf(view, last)
  context.strokeStyle = theme.accent
  context.lineWidth = 2
  context.beginPath()
  context.arc(x, y, 9, 0, Math.PI * 2)
  context.stroke()
}

function drawChainCaption(
  context: CanvasRenderingContext2D,
  view: View,
  event: TraceEvent,
  x: number,
  y: number,
): void {
  const text = fitted(context, event.msg ?? event.kind, 260)
  // What would run out of the picture stands to the left, and below, clear of the captions before it.
  const isAtEnd = x + 9 + context.measureText(text).width > view.layout.widthPx
  context.fillStyle = view.theme.ink
  context.textAlign = isAtEnd ? 'right' : 'left'
  drawText(context, view.theme, text, isAtEnd ? x - 9 : x + 9, isAtEnd ? y + 20 : y - 12)
  context.textAlign = 'left'
}

function disc(context: CanvasRenderingContext2D, x: number, y: number, radius: number): void {
  context.beginPath()
  context.arc(x, y, radius, 0, Math.PI * 2)
  context.fill()
}

function line(context: CanvasRenderingContext2D, fromX: number, fromY: number, toX: number, toY: number): void {
  context.beginPath()
  context.moveTo(fromX, fromY)
  context.lineTo(toX, toY)
  context.stroke()
}
