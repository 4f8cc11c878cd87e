import type { TraceEvent } from '../trace-event.ts'
import { arrowLine } from './draw-lanes.ts'
import { usAt, xOf } from './layout.ts'
import { countBefore } from './page-model.ts'
import { looks } from './theme.ts'
import type { View } from './view.ts'

const reachPx = 7
/** Arrows are looked at one by one; where there are more than this, they can't be told apart anyway. */
const arrowsReached = 2_000

/**
 * The event under the pointer, if one is. In a spot that several share, the one that is seen; when that is selected, the
 * next, so that clicking again goes through all. On an arrow, the arrival of its message.
 */
export function pickEvent(view: View, x: number, y: number): TraceEvent | undefined {
  const near = eventsNear(view, x, y)
  if (near.length === 0) return messageNear(view, x, y)
  const selected = near.findIndex((event) => event === view.selected)
  return near[(selected + 1) % near.length]
}

function eventsNear(view: View, x: number, y: number): TraceEvent[] {
  const { model, window, layout, shown } = view
  const lane = layout.laneY.findIndex((laneY) => Math.abs(laneY - y) <= Math.min(12, layout.laneHeightPx / 2))
  const indexes = model.lanes[lane]?.events ?? []
  const timeAt = (at: number): number => model.events[indexes[at] ?? 0]?.t ?? 0
  const from = countBefore(indexes.length, timeAt, usAt(x - reachPx, window, layout.widthPx))
  const until = countBefore(indexes.length, timeAt, usAt(x + reachPx, window, layout.widthPx))
  return indexes
    .slice(from, until)
    .map((index) => model.events[index])
    .filter((event) => event !== undefined)
    .filter(({ i }) => shown[i] === 1)
    .sort((a, b) => {
      const distance = (event: TraceEvent): number => Math.round(Math.abs(xOf(event.t, window, layout.widthPx) - x) / 4)
      return distance(a) - distance(b) || looks[b.kind].weight - looks[a.kind].weight || a.i - b.i
    })
}

function messageNear(view: View, x: number, y: number): TraceEvent | undefined {
  const { model, window, shown } = view
  const arrival = (index: number): number => model.messages[index]?.recv.t ?? 0
  const us = usAt(x, window, view.layout.widthPx)
  const from = countBefore(model.messages.length, arrival, us)
  const until = Math.min(from + arrowsReached, countBefore(model.messages.length, arrival, us + model.flightUsMax + 1))
  return model.messages.slice(from, until).find(({ send, recv }) => {
    if (send.t > us || (shown[send.i] === 0 && shown[recv.i] === 0)) return false
    const [fromX, fromY, toX, toY] = arrowLine(view, send, recv)
    const length = Math.hypot(toX - fromX, toY - fromY)
    return Math.abs((toX - fromX) * (fromY - y) - (fromX - x) * (toY - fromY)) / length < 4
  })?.recv
}
