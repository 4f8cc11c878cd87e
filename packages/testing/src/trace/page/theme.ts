import type { TraceKind } from '../trace-event.ts'

/** What a kind of event looks like: which colour, how it is drawn, and which of two in one place is seen. */
export interface KindLook {
  readonly color: ColorName
  readonly shape: 'dot' | 'ring' | 'cross' | 'diamond'
  readonly weight: number
}

export type ColorName =
  | 'paper'
  | 'ink'
  | 'soft'
  | 'faint'
  | 'lane'
  | 'message'
  | 'quiet'
  | 'life'
  | 'doubt'
  | 'bad'
  | 'accent'
  | 'band'
  | 'down'
  | 'mark'

export type Theme = Readonly<Record<ColorName, string>>

export const looks: Readonly<Record<TraceKind, KindLook>> = {
  turn: { color: 'quiet', shape: 'dot', weight: 0 },
  timer: { color: 'quiet', shape: 'ring', weight: 1 },
  step: { color: 'quiet', shape: 'dot', weight: 1 },
  log: { color: 'soft', shape: 'ring', weight: 2 },
  recv: { color: 'message', shape: 'ring', weight: 3 },
  send: { color: 'message', shape: 'dot', weight: 3 },
  open: { color: 'life', shape: 'ring', weight: 4 },
  spawn: { color: 'life', shape: 'ring', weight: 4 },
  boot: { color: 'life', shape: 'dot', weight: 6 },
  heal: { color: 'life', shape: 'diamond', weight: 6 },
  op: { color: 'accent', shape: 'dot', weight: 5 },
  close: { color: 'doubt', shape: 'ring', weight: 5 },
  exit: { color: 'doubt', shape: 'dot', weight: 5 },
  drop: { color: 'bad', shape: 'cross', weight: 6 },
  stop: { color: 'doubt', shape: 'diamond', weight: 7 },
  fault: { color: 'doubt', shape: 'diamond', weight: 8 },
  crash: { color: 'bad', shape: 'diamond', weight: 9 },
  assert: { color: 'bad', shape: 'diamond', weight: 10 },
}

const colorNames: readonly ColorName[] = [
  'paper',
  'ink',
  'soft',
  'faint',
  'lane',
  'message',
  'quiet',
  'life',
  'doubt',
  'bad',
  'accent',
  'band',
  'down',
  'mark',
]

/** The colours that the style sheet has now, light or dark. */
export function readTheme(): Theme {
  const style = getComputedStyle(document.documentElement)
  return Object.fromEntries(colorNames.map((name) => [name, style.getPropertyValue(`--${name}`)])) as Theme
}
