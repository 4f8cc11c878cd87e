import type { Verdict } from './history.ts'

/** What one node believed from a moment on, such as the nodes of its region table. */
export interface View {
  readonly node: string
  readonly atMs: number
  readonly view: readonly string[]
}

/** From `byMs` on, and at the end, every node believed the same as all others: what is in `truth`, where it is given. */
export function converged(
  views: readonly View[],
  { byMs, truth }: { readonly byMs: number; readonly truth?: readonly string[] },
): Verdict {
  const last = new Map<string, View>()
  for (const view of views) last.set(view.node, view)
  const expected = truth === undefined ? undefined : textOf(truth)
  const first = [...last.values()][0]
  for (const { node, atMs, view } of last.values()) {
    const text = textOf(view)
    const should = expected ?? textOf(first?.view ?? [])
    if (text !== should) return { ok: false, message: `${node} believes [${text}] at the end, others [${should}]` }
    if (atMs > byMs) return { ok: false, message: `${node} came to believe that only at ${atMs} ms, after ${byMs} ms` }
  }
  return { ok: true }
}

function textOf(view: readonly string[]): string {
  return [...view].sort().join(' ')
}
