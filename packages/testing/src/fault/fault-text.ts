import type { Fault, Place } from './fault.ts'

// A fault of a day or more lasts to the end of any run.
const lastsForEverMs = 86_400_000

/** A fault as one short line: what, where, from when to when, how strong. */
export function describeFault(fault: Fault): string {
  const when =
    'forMs' in fault ? `${seconds(fault.atMs)}..${end(fault.atMs, fault.forMs)}` : `at ${seconds(fault.atMs)}`
  return [fault.kind, ...details(fault), when].join(' ')
}

function details(fault: Fault): string[] {
  switch (fault.kind) {
    case 'partition':
      return [sides(fault), ...(fault.oneWay ? ['one-way'] : [])]
    case 'flap':
      return [sides(fault), `${fault.cutMs} ms cut, ${fault.openMs} ms open`]
    case 'crash':
      return [
        fault.node,
        ...(fault.silent ? ['silently'] : []),
        ...(fault.files === 'keep' ? [] : [`files ${fault.files}`]),
      ]
    case 'regionLoss':
      return [fault.region]
    case 'pause':
      return [fault.node]
    case 'slow':
      return [fault.node, `${fault.turnUs} us a turn`]
    case 'clog':
      return [sides(fault), `+${fault.extraMs} ms`]
    case 'loss':
      return [sides(fault), `loss ${fault.loss}, duplicate ${fault.duplicate}, reorder ${fault.reorder}`]
    case 'reset':
      return [sides(fault), ...(fault.halfOpen ? ['half-open'] : [])]
    case 'skew':
      return [fault.node, `${fault.jumpMs < 0 ? '' : '+'}${fault.jumpMs} ms, ${fault.driftPpm} ppm`]
    case 'threadLoss':
      return [fault.node, `thread ${fault.pick}`]
  }
}

function sides({ from, to }: { readonly from: readonly Place[]; readonly to: readonly Place[] }): string {
  return `{${from.join(',')}}|{${to.join(',')}}`
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(3)}s`
}

function end(atMs: number, forMs: number): string {
  return forMs < lastsForEverMs ? seconds(atMs + forMs) : 'the end'
}
