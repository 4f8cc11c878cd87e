import type { TraceKind } from '../trace-event.ts'
import { elementOf, make, makeButton } from './elements.ts'
import type { EventFilter } from './event-filter.ts'
import type { Layout } from './layout.ts'
import type { PageModel } from './page-model.ts'
import { looks } from './theme.ts'

/** Wires the filter's controls: the text, a button for each kind. The names of the nodes come with each layout. */
export function startFilterControls(model: PageModel, onChange: (filter: EventFilter) => void): FilterControls {
  const text = elementOf('#filter', HTMLInputElement)
  const hiddenKinds = new Set<TraceKind>()
  const hiddenNodes = new Set<string>()
  const changed = (): void => onChange({ text: text.value, hiddenKinds, hiddenNodes })
  text.addEventListener('input', changed)
  elementOf('#kinds', HTMLElement).append(
    ...model.kinds.map(([kind, count]) => {
      const button = toggle(kind, kind, hiddenKinds, changed)
      button.append(make('small', count.toLocaleString('en')))
      button.style.setProperty('--dot', `var(--${looks[kind].color})`)
      return button
    }),
  )
  const labels = elementOf('#labels', HTMLElement)
  return {
    text,
    layNames(layout) {
      const regions = layout.regions.map(({ name, y }) => placed(make('span', name), y))
      const nodes = model.lanes.map(({ name }, index) =>
        placed(toggle(name === '' ? 'simulation' : name, name, hiddenNodes, changed), layout.laneY[index] ?? 0),
      )
      labels.replaceChildren(...regions, ...nodes)
    },
  }
}

export interface FilterControls {
  readonly text: HTMLInputElement
  /** Puts the names of regions and nodes beside their lanes. */
  layNames(layout: Layout): void
}

function toggle<Value>(label: string, value: Value, hidden: Set<Value>, changed: () => void): HTMLButtonElement {
  const button = makeButton(label, () => {
    if (!hidden.delete(value)) hidden.add(value)
    button.setAttribute('aria-pressed', String(!hidden.has(value)))
    changed()
  })
  button.title = `${label}: show or leave out`
  button.setAttribute('aria-pressed', String(!hidden.has(value)))
  return button
}

function placed<Kind extends HTMLElement>(element: Kind, y: number): Kind {
  element.style.top = `${y}px`
  return element
}

/** Copies the replay command; where the browser forbids that, selects it for the person to copy. */
export function startCopyButton(): void {
  const code = elementOf('#replay', HTMLElement)
  const button = elementOf('#copy', HTMLButtonElement)
  const tell = (text: string): void => {
    button.textContent = text
  }
  for (const left of ['pointerleave', 'blur']) button.addEventListener(left, () => tell('Copy'))
  button.addEventListener('click', () => {
    navigator.clipboard.writeText(code.textContent ?? '').then(
      () => tell('Copied'),
      () => {
        getSelection()?.selectAllChildren(code)
        tell('Press Ctrl+C')
      },
    )
  })
}
