import { causalChain } from '../causes.ts'
import type { Trace, TraceEvent } from '../trace-event.ts'
import { startCopyButton, startFilterControls } from './controls.ts'
import { captionOf, showDetails } from './details.ts'
import { drawLanes } from './draw-lanes.ts'
import { drawAxis, drawScrub } from './draw-time.ts'
import { elementOf } from './elements.ts'
import { filterEvents } from './event-filter.ts'
import { layLanes, plotPx, usAt, xOf } from './layout.ts'
import { createPageModel } from './page-model.ts'
import { pickEvent } from './pick-event.ts'
import { readTheme } from './theme.ts'
import { formatLength, formatMoment, moved, showing, type TimeWindow, wholeRun, zoomed } from './time-window.ts'
import type { View } from './view.ts'

/** Of a long run, about so many events are shown at first. */
const eventsAtFirst = 400

const trace = JSON.parse(elementOf('#trace', HTMLScriptElement).textContent ?? '') as Trace
const model = createPageModel(trace)
const { failure } = trace.header
const whole = wholeRun(model.endUs)

const canvas = elementOf('#canvas', HTMLCanvasElement)
const axis = elementOf('#axis canvas', HTMLCanvasElement)
const scrub = elementOf('#scrub', HTMLElement)
const scrubCanvas = elementOf('#scrub canvas', HTMLCanvasElement)
const scroll = elementOf('#scroll', HTMLElement)
const panel = elementOf('#details', HTMLElement)
const status = elementOf('#shown', HTMLElement)
const tip = elementOf('#tip', HTMLElement)

let view: View = {
  model,
  window: firstWindow(),
  layout: layLanes(model, 800, 400),
  theme: readTheme(),
  shown: new Uint8Array(model.events.length).fill(1),
  selected: undefined,
  chain: [],
}
let isDrawScheduled = false
let shownCount = model.events.length

const filter = startFilterControls(model, (wanted) => {
  const shown = filterEvents(model.events, wanted)
  shownCount = shown.reduce((sum, one) => sum + one, 0)
  change({ shown })
})
startCopyButton()
startButtons()
startScrubBar()
startCanvas()
startKeys()
elementOf('#total', HTMLElement).textContent = model.events.length.toLocaleString('en')
elementOf('#length', HTMLElement).textContent = formatLength(model.endUs)
new ResizeObserver(resize).observe(scroll)
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => change({ theme: readTheme() }))
resize()
select(undefined)

/** A long run opens where it failed, or at its beginning. */
function firstWindow(): TimeWindow {
  const { events } = model
  if (events.length <= eventsAtFirst * 2) return whole
  const last = failure === undefined ? eventsAtFirst : Math.min(events.length - 1, Math.max(eventsAtFirst, failure.i))
  const fromUs = events[last - eventsAtFirst]?.t ?? 0
  const width = ((events[last]?.t ?? model.endUs) - fromUs) * 1.15
  return moved({ fromUs: fromUs - width * 0.03, toUs: fromUs + width }, 0, model.endUs)
}

function change(changed: Partial<View>): void {
  view = { ...view, ...changed }
  if (isDrawScheduled) return
  isDrawScheduled = true
  requestAnimationFrame(draw)
}

function draw(): void {
  isDrawScheduled = false
  const { window } = view
  const { arrowsLeftOut } = drawLanes(canvas, view)
  drawAxis(axis, view)
  drawScrub(scrubCanvas, view)
  const middleUs = (window.fromUs + window.toUs) / 2
  scrub.setAttribute('aria-valuemax', String(model.endUs))
  scrub.setAttribute('aria-valuenow', String(Math.round(middleUs)))
  scrub.setAttribute(
    'aria-valuetext',
    `${formatMoment(Math.max(0, window.fromUs), 1)} to ${formatMoment(window.toUs, 1)}`,
  )
  const of = model.events.length.toLocaleString('en')
  const count =
    shownCount === model.events.length ? `${of} events` : `${shownCount.toLocaleString('en')} of ${of} events`
  const text = arrowsLeftOut === 0 ? count : `${count}, zoom in for ${arrowsLeftOut.toLocaleString('en')} more arrows`
  // Only when it differs: it is read aloud.
  if (status.textContent !== text) status.textContent = text
}

function resize(): void {
  const layout = layLanes(model, scroll.clientWidth, scroll.clientHeight)
  filter.layNames(layout)
  change({ layout })
}

function select(selected: TraceEvent | undefined): void {
  const chain = selected === undefined ? [] : causalChain(model.events, selected.i)
  const window = selected === undefined ? view.window : showing(view.window, selected.t, model.endUs)
  change({ selected, chain, window })
  showDetails(panel, model, chain, select)
}

function look(window: TimeWindow): void {
  tip.hidden = true
  change({ window })
}

function zoom(factor: number, atUs: number = view.selected?.t ?? (view.window.fromUs + view.window.toUs) / 2): void {
  const { fromUs, toUs } = view.window
  // What is out of sight can't be what one zooms into.
  const at = atUs >= fromUs && atUs <= toUs ? atUs : (fromUs + toUs) / 2
  look(zoomed(view.window, factor, at, model.endUs))
}

function move(share: number): void {
  look(moved(view.window, (view.window.toUs - view.window.fromUs) * share, model.endUs))
}

function goToFailure(): void {
  if (failure === undefined) return
  select(model.events.findLast(({ kind }) => kind === 'assert') ?? model.events[failure.i] ?? model.events.at(-1))
}

function startButtons(): void {
  const onClick = (id: string, run: () => void): void => elementOf(id, HTMLButtonElement).addEventListener('click', run)
  onClick('#in', () => zoom(0.5))
  onClick('#out', () => zoom(2))
  onClick('#whole', () => look(whole))
  onClick('#failure', goToFailure)
  elementOf('#failure', HTMLButtonElement).hidden = failure === undefined
}

/** Dragging inside the window moves it, dragging an edge makes it wider or narrower, pressing elsewhere brings it there. */
function startScrubBar(): void {
  let hold:
    | {
        readonly part: 'middle' | 'from' | 'to'
        readonly startUs: number
        readonly window: TimeWindow
      }
    | undefined
  const edgePx = 7
  const moment = (event: PointerEvent): number => usAt(event.offsetX, whole, view.layout.widthPx)
  scrub.addEventListener('pointerdown', (event) => {
    scrub.setPointerCapture(event.pointerId)
    const startUs = moment(event)
    const [fromX, toX] = [
      xOf(view.window.fromUs, whole, view.layout.widthPx),
      xOf(view.window.toUs, whole, view.layout.widthPx),
    ]
    const isNear = (x: number): boolean => Math.abs(event.offsetX - x) <= edgePx
    // Of a narrow window one can only take hold from outside.
    const isWide = toX - fromX > edgePx * 3
    const part = isWide && isNear(fromX) ? 'from' : isWide && isNear(toX) ? 'to' : 'middle'
    if (part === 'middle' && (event.offsetX < fromX - edgePx || event.offsetX > toX + edgePx)) {
      const { fromUs, toUs } = view.window
      look(moved(view.window, startUs - (fromUs + toUs) / 2, model.endUs))
    }
    hold = { part, startUs, window: view.window }
  })
  scrub.addEventListener('pointermove', (event) => {
    if (hold === undefined) return
    const { part, startUs, window } = hold
    const byUs = moment(event) - startUs
    if (part === 'middle') return look(moved(window, byUs, model.endUs))
    const width = window.toUs - window.fromUs
    const factor = Math.max(0.001, (width + (part === 'to' ? byUs : -byUs)) / width)
    look(zoomed(window, factor, part === 'to' ? window.fromUs : window.toUs, model.endUs))
  })
  const release = (): void => {
    hold = undefined
  }
  scrub.addEventListener('pointerup', release)
  scrub.addEventListener('pointercancel', release)
}

function startCanvas(): void {
  let drag: { readonly x: number; readonly window: TimeWindow; isMoved: boolean } | undefined
  canvas.addEventListener('wheel', (event) => {
    if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY))
      return move((event.deltaX || event.deltaY) / 1_000)
    // With more lanes than fit, the plain wheel scrolls them.
    if (scroll.scrollHeight > scroll.clientHeight && !event.ctrlKey) return
    event.preventDefault()
    zoom(Math.exp(event.deltaY / 500), usAt(event.offsetX, view.window, view.layout.widthPx))
  })
  canvas.addEventListener('pointerdown', (event) => {
    canvas.setPointerCapture(event.pointerId)
    drag = { x: event.offsetX, window: view.window, isMoved: false }
  })
  canvas.addEventListener('pointermove', (event) => {
    if (drag === undefined) return showTip(event)
    const byPx = drag.x - event.offsetX
    drag.isMoved ||= Math.abs(byPx) > 3
    const { fromUs, toUs } = drag.window
    if (drag.isMoved) look(moved(drag.window, (byPx / plotPx(view.layout.widthPx)) * (toUs - fromUs), model.endUs))
  })
  canvas.addEventListener('pointerup', (event) => {
    if (drag?.isMoved === false) select(pickEvent(view, event.offsetX, event.offsetY))
    drag = undefined
  })
  canvas.addEventListener('pointercancel', () => {
    drag = undefined
  })
  canvas.addEventListener('pointerleave', () => {
    tip.hidden = true
  })
}

function showTip(pointer: PointerEvent): void {
  const event = pickEvent(view, pointer.offsetX, pointer.offsetY)
  tip.hidden = event === undefined
  canvas.style.cursor = event === undefined ? '' : 'pointer'
  if (event === undefined) return
  tip.textContent = `${event.kind}${event.msg === undefined ? '' : `: ${captionOf(event)}`}, ${formatMoment(event.t, 1)}`
  const box = elementOf('.diagram', HTMLElement).getBoundingClientRect()
  const left = pointer.clientX - box.left
  tip.style.left = `${left > box.width - 260 ? Math.max(0, left - 240) : left + 14}px`
  tip.style.top = `${pointer.clientY - box.top + (pointer.clientY - box.top > box.height - 70 ? -46 : 16)}px`
}

/** Selects the next shown event in that direction; with none selected, the first in the window. */
function step(by: 1 | -1): void {
  const { selected, shown, window } = view
  const start = selected?.i ?? model.events.findIndex(({ t }) => t >= window.fromUs) - 1
  for (let i = start + by; i >= 0 && i < model.events.length; i += by)
    if (shown[i] === 1) return select(model.events[i])
}

function startKeys(): void {
  const keys: Readonly<Record<string, () => void>> = {
    ArrowLeft: () => move(-0.15),
    ArrowRight: () => move(0.15),
    '+': () => zoom(0.5),
    '=': () => zoom(0.5),
    '-': () => zoom(2),
    '0': () => look(whole),
    Home: () => look(moved(view.window, -model.endUs * 2, model.endUs)),
    End: () => look(moved(view.window, model.endUs * 2, model.endUs)),
    n: () => step(1),
    p: () => step(-1),
    c: () => select(view.chain.at(-2) ?? view.selected),
    f: goToFailure,
    '/': () => filter.text.focus(),
    Escape: () => select(undefined),
  }
  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return
    if (event.target === filter.text) {
      if (event.key === 'Escape') canvas.focus()
      return
    }
    const run = keys[event.key]
    if (run === undefined) return
    event.preventDefault()
    run()
  })
}
