import type { TraceEvent } from '../trace-event.ts'
import type { Layout } from './layout.ts'
import type { PageModel } from './page-model.ts'
import type { Theme } from './theme.ts'
import type { TimeWindow } from './time-window.ts'

/** Everything that a picture is made of. */
export interface View {
  readonly model: PageModel
  readonly window: TimeWindow
  readonly layout: Layout
  readonly theme: Theme
  /** By event: 1 where the filter shows it. */
  readonly shown: Uint8Array
  readonly selected: TraceEvent | undefined
  /** What led to the selected event, itself last; empty when none is selected. */
  readonly chain: readonly TraceEvent[]
}
