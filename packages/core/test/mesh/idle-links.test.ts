import { describe, expect, it } from 'vitest'
import { IdleLinks, lookedAt } from '../../src/mesh/idle-links.ts'
import { constantDelays, seededRandom, World } from './peer-links-world.ts'

describe('an unused link', () => {
  it('is idle after half a minute without a frame', () => {
    const first = lookedAt(undefined, 5, 1_000)
    expect(first.isIdle).toBe(false)
    expect(lookedAt(first.watch, 5, 30_999).isIdle).toBe(false)
    expect(lookedAt(first.watch, 5, 31_000).isIdle).toBe(true)
    expect(lookedAt(first.watch, 6, 31_000)).toEqual({ watch: { traffic: 6, since: 31_000 }, isIdle: false })
  })

  it('rests: the other side looks too and says goodbye, and what is held goes out again later', async () => {
    const { a, b, pass } = pair()
    await pass(40_000)
    expect(a.log).toEqual(['tell resting', 'hold', 'down'])
    expect(b.log).toEqual(['leave', 'down'])
  })

  it('stays while the other side has a use for it, or a monitor crosses it there', async () => {
    for (const reason of ['needed', 'crossed'] as const) {
      const { a, b, pass } = pair()
      b.state[reason] = true
      await pass(40_000)
      expect(a.log).toEqual(['tell resting', 'hold', 'release'])
      expect(b.log).toEqual(['tell notResting'])
    }
  })

  it('is not even asked for while something crosses it here', async () => {
    const { a, b, pass } = pair()
    a.state.crossed = true
    b.state.needed = true
    await pass(100_000)
    expect([...a.log, ...b.log]).toEqual([])
  })

  it('stays when one side comes to need it while it looks', async () => {
    const { b, pass } = pair()
    b.onLook = () => void (b.state.needed = true)
    await pass(32_000)
    expect(b.log).toEqual(['tell notResting'])
  })

  it('stays when a frame comes while the other side looks', async () => {
    const { a, b, pass } = pair()
    b.onLook = () => void (b.state.traffic += 1)
    await pass(32_000)
    expect(a.log).toContain('release')
    expect(b.log).toContain('tell notResting')
  })

  it('is left by one side when both rest at the same time, and never by both', async () => {
    const { a, b, pass } = pair({ bothLook: true })
    await pass(40_000)
    expect([...a.log, ...b.log].filter((word) => word === 'leave')).toHaveLength(1)
  })

  it('is not idle by the time in which it was needed, or was another link', async () => {
    const needed = pair()
    needed.a.state.needed = true
    await needed.pass(35_000)
    needed.a.state.needed = false
    await needed.pass(29_000)
    expect(needed.a.log).toEqual([])
    await needed.pass(3_000)
    expect(needed.a.log).toContain('tell resting')

    const other = pair()
    await other.pass(25_500)
    // Gone and there again between two looks, after as many frames.
    other.a.idle.down('b')
    await other.pass(29_000)
    expect(other.a.log).toEqual([])
    await other.pass(3_000)
    expect(other.a.log).toContain('tell resting')
  })

  it('goes on when the other side says nothing', async () => {
    const { a, pass } = pair({ deaf: true })
    await pass(37_000)
    expect(a.log).toEqual(['tell resting', 'hold', 'release'])
    // What was held went out: only from then on it is unused again.
    await pass(27_000)
    expect(a.log).toHaveLength(3)
  })
})

interface Side {
  readonly idle: IdleLinks
  readonly log: string[]
  readonly state: { traffic: number; needed: boolean; crossed: boolean; up: boolean }
  onLook: () => void
}

/** Two nodes with a link between them; a looks at it every second, and b too if `bothLook`. */
function pair({ bothLook = false, deaf = false } = {}) {
  const world = new World({ random: seededRandom(1), delays: constantDelays(1) })
  const sides: Record<string, Side> = {}
  for (const [self, peer] of [
    ['a', 'b'],
    ['b', 'a'],
  ] as const) {
    const log: string[] = []
    const state = { traffic: 0, needed: false, crossed: false, up: true }
    const other = (): Side => sides[peer] as Side
    const idle = new IdleLinks({
      self,
      clock: world.platform().clock,
      trafficOf: () => (state.up ? state.traffic : undefined),
      isSpare: () => !state.needed,
      crosses: async () => {
        side.onLook()
        return state.crossed
      },
      tell: (_node, { type }) => {
        log.push(`tell ${type}`)
        state.traffic += 1
        world.after(10, () => {
          if (deaf) return
          other().state.traffic += 1
          if (type === 'resting') other().idle.peerRests(self)
          if (type === 'notResting') other().idle.peerDoesNotRest(self)
        })
      },
      hold: () => void log.push('hold'),
      release: () => void log.push('release'),
      leave: () => {
        log.push('leave')
        for (const [at, afterMs] of [
          [side, 0],
          [other(), 10],
        ] as const) {
          world.after(afterMs, () => {
            if (!at.state.up) return
            at.state.up = false
            at.log.push('down')
            at.idle.down(at === side ? peer : self)
          })
        }
      },
    })
    const side: Side = { idle, log, state, onLook: () => undefined }
    sides[self] = side
  }
  const { a, b } = sides as { a: Side; b: Side }
  const look = (): void => {
    a.idle.look(['b'])
    if (bothLook) b.idle.look(['a'])
    world.after(1_000, look)
  }
  look()
  return { a, b, pass: (ms: number) => world.pass(ms) }
}
