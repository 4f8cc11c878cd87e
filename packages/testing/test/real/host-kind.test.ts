import { describe, expect, it } from 'vitest'
import { chooseHostKind, hostLine, type HostTrials } from '../../../../test/real/dist/host-kind.js'
import { netem } from '../../../../test/real/dist/netem-lines.js'

function fails(why: string): () => void {
  return () => {
    throw new Error(`${why}\nand more of it`)
  }
}
function works(): void {}

const cases: [what: string, trials: HostTrials, line: RegExp][] = [
  ['netem, where the kernel has it', { namespaces: works, netem: works, tap: works }, / by tc netem$/],
  ['netem, without TAP devices', { namespaces: works, netem: works, tap: fails('no tun') }, / by tc netem$/],
  [
    'TAP devices, where it has not, and says so',
    { namespaces: works, netem: fails('unknown qdisc'), tap: works },
    / by hand on TAP devices, as this kernel has no netem$/,
  ],
  [
    'nothing, with neither',
    { namespaces: works, netem: fails('unknown qdisc'), tap: fails('no tun') },
    /^hosts are not tried: neither tc netem, nor TAP devices/,
  ],
  [
    'nothing, without namespaces, and says in one line why',
    { namespaces: fails('not permitted'), netem: works, tap: works },
    /^hosts are not tried: no network namespaces: Error: not permitted$/,
  ],
]

describe('hosts are made of', () => {
  it.each(cases)('%s', (_what, trials, line) => {
    expect(hostLine(chooseHostKind(trials))).toMatch(line)
  })

  it('what was tried before the next: without namespaces nothing else is', () => {
    const tried: string[] = []
    const trial = (name: string, then: () => void) => () => {
      tried.push(name)
      then()
    }
    chooseHostKind({
      namespaces: trial('namespaces', fails('no')),
      netem: trial('netem', works),
      tap: trial('tap', works),
    })
    chooseHostKind({ namespaces: trial('namespaces', works), netem: trial('netem', works), tap: trial('tap', works) })
    expect(tried).toEqual(['namespaces', 'namespaces', 'netem'])
  })
})

describe('what tc is told of a way', () => {
  it('is its delay, jitter and loss, or that nothing gets through', () => {
    expect(netem({ delayMs: 70, jitterMs: 5, loss: 0.01 }).join(' ')).toBe('netem limit 1000 delay 70ms 5ms loss 1%')
    expect(netem(undefined).join(' ')).toBe('netem limit 1000 loss 100%')
  })
})
