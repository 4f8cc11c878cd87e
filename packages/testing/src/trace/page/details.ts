import type { TraceEvent } from '../trace-event.ts'
import { make, makeButton } from './elements.ts'
import type { PageModel } from './page-model.ts'
import { looks } from './theme.ts'
import { formatLength, formatMoment } from './time-window.ts'

/** Of longer lists the end is shown, and how much is not. */
const listMax = 200

/** The panel at the side: an event and what led to it, or, while none is selected, what the run went through. */
export function showDetails(
  panel: HTMLElement,
  model: PageModel,
  chain: readonly TraceEvent[],
  select: (event: TraceEvent) => void,
): void {
  const selected = chain.at(-1)
  const parts = selected === undefined ? runParts(model, select) : eventParts(model, selected, chain, select)
  panel.replaceChildren(...parts)
  panel.scrollTop = 0
}

function eventParts(
  model: PageModel,
  event: TraceEvent,
  chain: readonly TraceEvent[],
  select: (event: TraceEvent) => void,
): HTMLElement[] {
  const first = chain[0] ?? event
  const others = model.events.filter(({ cause }) => cause === event.i)
  return [
    make('h2', `Event ${event.i}`),
    make('p', captionOf(event), 'caption'),
    make('p', `${whereOf(event)}, at ${formatMoment(event.t, 1)}`, 'soft'),
    make('h2', chain.length === 1 ? 'Nothing led to it' : `What led to it, over ${formatLength(event.t - first.t)}`),
    ...eventList('ol', chain, select, event),
    ...(others.length === 0 ? [] : [make('h2', 'What it led to'), ...eventList('ul', others, select, event)]),
  ]
}

function runParts(model: PageModel, select: (event: TraceEvent) => void): HTMLElement[] {
  const faults = model.faults.map(({ event }) => event)
  const broken = model.events.filter(({ kind }) => kind === 'assert')
  return [
    ...(broken.length === 0 ? [] : [make('h2', 'What broke'), ...eventList('ul', broken, select)]),
    make('h2', faults.length === 0 ? 'No faults' : 'Faults'),
    ...eventList('ul', faults, select),
    make('h2', 'Look closer'),
    make('p', 'Click an event or an arrow to see what led to it. Click a node to leave it out.', 'soft'),
    keys(),
  ]
}

function eventList(
  tag: 'ol' | 'ul',
  events: readonly TraceEvent[],
  select: (event: TraceEvent) => void,
  current?: TraceEvent,
): HTMLElement[] {
  const list = make(tag, '')
  const kept = tag === 'ol' ? events.slice(-listMax) : events.slice(0, listMax)
  list.append(...kept.map((event) => eventItem(event, select, event === current)))
  if (kept.length === events.length) return [list]
  const left = make('p', `${events.length - kept.length} ${tag === 'ol' ? 'earlier' : 'more'} not listed`, 'soft')
  return tag === 'ol' ? [left, list] : [list, left]
}

function eventItem(event: TraceEvent, select: (event: TraceEvent) => void, isCurrent: boolean): HTMLElement {
  const item = make('li', '')
  const button = makeButton('', () => select(event))
  if (isCurrent) button.setAttribute('aria-current', 'true')
  button.style.setProperty('--dot', `var(--${looks[event.kind].color})`)
  const caption = event.msg === undefined ? [] : [make('em', event.msg)]
  button.append(make('i', ''), make('b', whereOf(event)), make('time', formatMoment(event.t, 1)), ...caption)
  item.append(button)
  return item
}

function whereOf({ node, kind, peer }: TraceEvent): string {
  const other = peer === undefined ? '' : ` ${kind === 'recv' ? '←' : '→'} ${peer}`
  return `${node === '' ? 'simulation' : node} ${kind}${other}`
}

/** An event in words, for where there is little room. */
export function captionOf(event: TraceEvent): string {
  return event.msg ?? event.kind
}

function keys(): HTMLElement {
  const list = make('div', '', 'keys')
  for (const [key, meaning] of [
    ['← →', 'move in time'],
    ['+ −', 'zoom (or the wheel)'],
    ['n p', 'next, previous event'],
    ['c', 'its cause'],
    ['/', 'filter'],
    ['f', 'the failure'],
    ['0', 'whole run'],
    ['Esc', 'select nothing'],
  ] as const) {
    const names = make('span', '')
    for (const name of key.split(' ')) names.append(make('kbd', name), ' ')
    list.append(names, make('span', meaning))
  }
  return list
}
