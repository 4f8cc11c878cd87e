/** The piece of time that is looked at, in virtual microseconds. */
export interface TimeWindow {
  readonly fromUs: number
  readonly toUs: number
}

/** Narrower than this there is nothing more to see: times are whole microseconds. */
const widthUsMin = 20

/** All of a run, with a little room at both ends. */
export function wholeRun(endUs: number): TimeWindow {
  const room = Math.max(endUs * 0.015, widthUsMin / 2)
  return { fromUs: -room, toUs: endUs + room }
}

/** The window made wider (`factor` above 1) or narrower, with `atUs` staying where it is. */
export function zoomed({ fromUs, toUs }: TimeWindow, factor: number, atUs: number, endUs: number): TimeWindow {
  const whole = wholeRun(endUs)
  const width = clamp((toUs - fromUs) * factor, widthUsMin, whole.toUs - whole.fromUs)
  const share = (atUs - fromUs) / (toUs - fromUs)
  return within(atUs - share * width, width, whole)
}

/** The window moved by so much, not beyond the run. */
export function moved({ fromUs, toUs }: TimeWindow, byUs: number, endUs: number): TimeWindow {
  return within(fromUs + byUs, toUs - fromUs, wholeRun(endUs))
}

/** The window moved just so far that `atUs` is well inside. */
export function showing(window: TimeWindow, atUs: number, endUs: number): TimeWindow {
  const width = window.toUs - window.fromUs
  if (atUs >= window.fromUs + width * 0.05 && atUs <= window.toUs - width * 0.05) return window
  return moved(window, atUs - width / 2 - window.fromUs, endUs)
}

/** Round moments about `count` of which fit into the window, and how long one step is. */
export function ticks(
  { fromUs, toUs }: TimeWindow,
  count: number,
): { readonly atUs: number[]; readonly stepUs: number } {
  const raw = (toUs - fromUs) / Math.max(1, count)
  const power = 10 ** Math.floor(Math.log10(raw))
  const stepUs = Math.max(1, ([1, 2, 5, 10].find((digit) => digit * power >= raw) ?? 10) * power)
  const first = Math.max(0, Math.ceil(fromUs / stepUs))
  const last = Math.floor(toUs / stepUs)
  return {
    atUs: Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => (first + index) * stepUs),
    stepUs,
  }
}

/** A moment, as exact as steps of `stepUs` need it. */
export function formatMoment(us: number, stepUs: number): string {
  const digits = clamp(6 - Math.floor(Math.log10(Math.max(1, stepUs))), 0, 6)
  return `${(us / 1_000_000).toFixed(digits)} s`
}

/** A length of time in the unit that suits it. */
export function formatLength(us: number): string {
  if (us < 1_000) return `${Math.round(us)} µs`
  if (us < 1_000_000) return `${Number((us / 1_000).toPrecision(3))} ms`
  return `${Number((us / 1_000_000).toPrecision(3))} s`
}

function within(fromUs: number, width: number, whole: TimeWindow): TimeWindow {
  const from = clamp(fromUs, whole.fromUs, Math.max(whole.fromUs, whole.toUs - width))
  return { fromUs: from, toUs: from + width }
}

function clamp(value: number, min: number, max: number): number {
  return Math.min(max, Math.max(min, value))
}
