import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Accusation } from '../../src/mesh/accusation.ts'
import { FailureDetector } from '../../src/mesh/failure-detector.ts'

const sealed = Uint8Array.of(1)

describe('what a node finds itself', () => {
  it('is accused when silent, once, and is not dead before its time', () => {
    const detector = clusterOf(10)
    detector.silent('n1', 1_000)
    const { accuse, dead } = detector.tick(1_000, 0)
    expect(accuse).toEqual([{ subject: 'n1', life: 1, version: 1, accuser: 'me' }])
    expect(dead).toEqual([])
    expect(detector.tick(1_250, 0).accuse).toEqual([])
    expect(detector.isAvoided('n1')).toBe(false)
    expect(deadBy(detector, 6_900)).toEqual([])
    expect(deadBy(detector, 7_100)).toEqual(['n1'])
  })

  it('has half a second to come back when its link was lost, and none when it said goodbye', () => {
    const detector = clusterOf(8)
    detector.unlinked('n1', 1_000, false)
    detector.unlinked('n2', 1_000, true)
    expect(detector.tick(1_000, 0).accuse.map(({ subject }) => subject)).toEqual(['n2'])
    expect(detector.tick(1_499, 0).accuse).toEqual([])
    expect(detector.tick(1_500, 0).accuse.map(({ subject }) => subject)).toEqual(['n1'])
  })

  it('is accused, and believed dead, later by as much as our reading lags behind: its answer may lie unread', () => {
    const detector = clusterOf(10)
    detector.silent('n1', 1_000)
    expect(detector.tick(2_900, 0, 2_000).accuse).toEqual([])
    expect(detector.tick(9_000, 0, 2_000).accuse).toHaveLength(1)
    const alone = clusterOf(10, { localHealth: false })
    alone.silent('n1', 1_000)
    expect(alone.tick(2_900, 0, 2_000).accuse).toHaveLength(1)
  })

  it('is accused by its monitors only', () => {
    const detector = clusterOf(200)
    const subjects = new Set(detector.table.subjectsOf('me'))
    const stranger = names(200).find((node) => !subjects.has(node)) as string
    detector.silent(stranger, 1_000)
    expect(detector.tick(1_000, 0).accuse).toEqual([])
  })

  it('is accused a few at a time', () => {
    const detector = clusterOf(7, { localHealth: false })
    for (const node of names(7)) detector.silent(node, 1_000)
    expect(detector.tick(1_000, 0).accuse).toHaveLength(4)
    expect(detector.tick(1_100, 0).accuse).toHaveLength(0)
    expect(detector.tick(1_500, 0).accuse).toHaveLength(2)
  })

  it('is accused no more at once after a long calm either', () => {
    const detector = clusterOf(7, { localHealth: false })
    detector.tick(0, 0)
    detector.tick(60_000, 0)
    for (const node of names(7)) detector.silent(node, 60_000)
    expect(detector.tick(60_000, 0).accuse).toHaveLength(4)
  })

  it('is believed dead later by a node that doubts itself', () => {
    const detector = clusterOf(10)
    for (const accuser of detector.table.of('n1').filter((node) => node !== 'me')) {
      detector.accused(word('n1', accuser), sealed, 0)
    }
    detector.silent('n1', 0)
    // A lag of two seconds is three points: the shortest suspicion, of 1.5 s, lasts two and a half times as long, and all is seen two seconds later.
    expect(detector.tick(5_700, 0, 2_000).dead).toEqual([])
    expect(detector.tick(5_800, 0, 2_000).dead).toHaveLength(1)
  })

  it('says nothing of one whom it did not watch when its link went: coming to watch it, it waits for a link', () => {
    const detector = clusterOf(200)
    const subjects = new Set(detector.table.subjectsOf('me'))
    const stranger = names(200).find((node) => !subjects.has(node)) as string
    detector.unlinked(stranger, 1_000, false)
    const others = names(200).filter((node) => node !== stranger)
    while (!detector.table.subjectsOf('me').includes(stranger)) detector.gone(others.pop() as string)
    expect(accusedBy(detector, 10_000)).not.toContain(stranger)
  })

  it('that is most of whom it watches, makes it doubt itself first', () => {
    const detector = clusterOf(7)
    for (const node of names(6)) detector.silent(node, 1_000)
    expect(detector.tick(1_000, 0).accuse).toEqual([])
    let accused = 0
    for (let now = 1_250; now <= 5_000; now += 250) accused += detector.tick(now, 0).accuse.length
    expect(accused).toBe(5)
  })

  it('and refutes it, is accused again after a longer time each time: others hear it', () => {
    const detector = clusterOf(10)
    detector.silent('n1', 1_000)
    const accusedAt: number[] = []
    let version = 1
    for (let now = 1_000; now < 20_000; now += 250) {
      if (detector.tick(now, 0).accuse.length === 0) continue
      accusedAt.push(now)
      version += 1
      detector.known('n1', 1, version, now)
    }
    expect(accusedAt).toEqual([1_000, 3_000, 7_000, 15_000])
    detector.heard('n1')
    detector.silent('n1', 20_000)
    expect(detector.tick(20_000, 0).accuse).toHaveLength(1)
  })

  it('is accused at the latest a minute after it refuted that, however often it has', () => {
    const detector = clusterOf(10)
    detector.silent('n1', 1_000)
    const accusedAt: number[] = []
    for (let now = 1_000; accusedAt.length < 9; now += 250) {
      if (detector.tick(now, 0).accuse.length === 0) continue
      accusedAt.push(now)
      detector.known('n1', 1, accusedAt.length + 1, now)
    }
    expect(accusedAt.slice(-4).map((at) => at - (accusedAt[0] ?? 0))).toEqual([62_000, 122_000, 182_000, 242_000])
  })

  it('is accused at once where others were refuted before, and not we', () => {
    const detector = clusterOf(10)
    detector.accused(word('n1', detector.table.of('n1').find((node) => node !== 'me') as string), sealed, 0)
    detector.known('n1', 1, 2, 100)
    detector.silent('n1', 200)
    expect(accusedBy(detector, 250)).toEqual(['n1'])
  })

  it('and is a member again is known as a newcomer: it has the time to link to us, and what it refuted before is forgotten', () => {
    const detector = clusterOf(7)
    detector.unlinked('n1', 0, false)
    detector.gone('n1')
    detector.known('n1', 1, 2, 10_000)
    expect(accusedBy(detector, 10_000)).toEqual([])
    expect(accusedBy(detector, 15_999)).toEqual([])
    expect(accusedBy(detector, 16_000)).toEqual(['n1'])
    detector.known('n1', 1, 3, 16_000)
    detector.gone('n1')
    detector.known('n1', 1, 4, 16_100)
    detector.silent('n1', 16_200)
    expect(accusedBy(detector, 16_250)).toEqual(['n1'])
  })

  it('is not accused any more by one whose word counts no more, which says so a last time for those that watch it now', () => {
    const detector = clusterOf(7)
    detector.silent('n1', 1_000)
    const [accusation] = detector.tick(1_000, 0).accuse as [Accusation]
    expect(detector.ownAccusations()).toEqual([])
    detector.sealed(accusation, sealed)
    expect(detector.ownAccusations()).toEqual([sealed])
    let more = 0
    const join = (): void => void detector.known(`m${more++}`, 1, 1, 1_100)
    while (detector.table.subjectsOf('me').includes('n1')) join()
    // It still counts, so it is still said: the subject must hear of it as long as it counts.
    expect(detector.tick(1_200, 0).lastWords).toEqual([])
    expect(detector.ownAccusations()).toEqual([sealed])
    while (detector.table.counts('me', 'n1')) join()
    expect(detector.tick(1_300, 0).lastWords).toEqual([sealed])
    expect(detector.suspicion('n1')).toBeUndefined()
    expect(detector.tick(1_400, 0).lastWords).toEqual([])
  })

  it('does not count for a time in which it did not run itself', () => {
    const detector = clusterOf(9)
    detector.silent('n1', 1_000)
    detector.tick(1_000, 0)
    expect(detector.tick(9_000, 7_750)).toEqual({ accuse: [], dead: [], lastWords: [] })
    expect(deadBy(detector, 12_000)).toEqual([])
    // Nor once it trusts itself again: who was suspected before the pause is given the time of it.
    const short = clusterOf(10)
    short.silent('n1', 1_000)
    short.tick(1_000, 0)
    short.tick(3_000, 900)
    short.tick(5_000, 0)
    expect(short.health.score).toBe(0)
    expect([deadBy(short, 7_800), deadBy(short, 8_000)]).toEqual([[], ['n1']])
  })

  it('is not accused for a second after a pause of its own, whatever seems silent: what came meanwhile lies unread', () => {
    const detector = clusterOf(10)
    detector.silent('n1', 4_000)
    expect(detector.tick(5_000, 600).accuse).toEqual([])
    expect(detector.tick(5_900, 0).accuse).toEqual([])
    expect(detector.tick(6_000, 0).accuse).toHaveLength(1)
  })
})

describe('the word of others', () => {
  it('counts from monitors; of another it is passed on once, so that the subject hears of it', () => {
    const detector = clusterOf(200)
    const monitor = detector.table.of('n5')[0] as string
    const other = names(200).find((node) => !detector.table.counts(node, 'n5') && node !== 'n5') as string
    expect(detector.worth(word('n5', monitor), 0)).toBe('counts')
    expect(detector.worth(word('n5', other), 0)).toBe('passes')
    detector.passed(word('n5', other), 0)
    expect(detector.worth(word('n5', other), 1_999)).toBe('old')
    expect(detector.worth(word('n5', other), 2_000)).toBe('passes')
    const suspecting = clusterOf(200)
    suspecting.accused(word('n5', monitor), new Uint8Array(1), 0)
    expect(suspecting.worth(word('n5', other), 5_000)).toBe('old')
    expect(detector.worth(word('stranger', monitor), 0)).toBe('old')
    expect(detector.worth({ ...word('n5', monitor), life: 2 }, 0)).toBe('old')
    expect(detector.worth({ ...word('n5', monitor), version: 0 }, 0)).toBe('refuted')
    // Further ahead than news may be late: nobody could refute it.
    expect(detector.worth({ ...word('n5', monitor), version: 1_001 }, 0)).toBe('counts')
    expect(detector.worth({ ...word('n5', monitor), version: 1_002 }, 0)).toBe('old')
  })

  it('of two keeps calls away, of three kills after the shortest time, and a newer record refutes it', () => {
    const detector = clusterOf(10)
    const [first, second, third] = detector.table.of('n1').filter((node) => node !== 'me') as [string, string, string]
    detector.accused(word('n1', first), sealed, 0)
    expect(detector.isAvoided('n1')).toBe(false)
    detector.accused(word('n1', second), sealed, 0)
    expect(detector.isAvoided('n1')).toBe(true)
    detector.accused(word('n1', third), sealed, 0)
    detector.silent('n1', 0)
    expect(deadBy(detector, 1_400)).toEqual([])
    expect(detector.known('n1', 1, 2, 1_500)).toBe(true)
    expect(detector.isAvoided('n1')).toBe(false)
    for (const accuser of [first, second, third])
      detector.accused({ ...word('n1', accuser), version: 2 }, sealed, 2_000)
    expect(deadBy(detector, 3_600)).toEqual(['n1'])
  })

  it('does not bury who is heard here', () => {
    const detector = clusterOf(10)
    for (const accuser of detector.table.of('n1')) detector.accused(word('n1', accuser), sealed, 0)
    detector.heard('n1')
    expect(deadBy(detector, 60_000)).toEqual([])
  })
})

describe('after a cut has healed', () => {
  it('the word of who is no monitor any more, since nearer ones came back, kills nobody, nor if it is said again', () => {
    const detector = clusterOf(10)
    const accusers = detector.table.of('n1').filter((node) => node !== 'me')
    for (const accuser of accusers) detector.accused(word('n1', accuser), sealed, 0)
    detector.unlinked('n1', 0, false)
    for (let more = 0; accusers.some((node) => detector.table.counts(node, 'n1')); more += 1)
      detector.known(`m${more}`, 1, 1, 100)
    expect(deadBy(detector, 60_000)).toEqual([])
    expect(detector.worth(word('n1', accusers[0] as string), 60_000)).not.toBe('counts')
  })

  it('the word of those that still are stays, and is enough', () => {
    const detector = clusterOf(60)
    const [first, second, third] = detector.table.of('n1') as [string, string, string]
    for (const accuser of [first, second, third]) detector.accused(word('n1', accuser), sealed, 0)
    detector.unlinked('n1', 0, false)
    detector.known('newcomer', 1, 1, 100)
    expect(detector.suspicion('n1')?.accusers.size).toBe(3)
    expect(deadBy(detector, 2_800)).toEqual(['n1'])
  })

  it('a node that others accuse, whose word does not count, or that was believed dead, is looked at by its new monitor sooner than a newcomer', () => {
    for (const how of ['accused before', 'accused', 'back', 'new']) {
      const detector = new FailureDetector('me')
      for (const node of names(200)) detector.known(node, 1, 1, 0)
      const subject = detector.table.subjectsOf('me')[0] as string
      const other = names(200).find((node) => node !== subject && !detector.table.counts(node, subject)) as string
      if (how === 'accused before') detector.passed(word(subject, other), 0)
      if (how === 'back') detector.cameBack(subject, 0)
      detector.tick(0, 0)
      if (how === 'accused') detector.passed(word(subject, other), 0)
      expect(accusedBy(detector, 2_499)).toEqual([])
      expect(accusedBy(detector, 2_500)).toEqual(how === 'new' ? [] : [subject])
    }
  })

  it('who is accused by nobody any more whose word counts is looked at at once by those that watch it now', () => {
    const detector = new FailureDetector('me')
    for (const node of names(400)) detector.known(node, 1, 1, 0)
    const { table } = detector
    // It watches that one among the first, and goes on to; the accuser counts, but as one of the last.
    const subject = table.subjectsOf('me').find((node) => table.of(node).indexOf('me') < 2) as string
    const accuser = names(400).find(
      (node) => table.counts(node, subject) && !table.of(subject).includes(node),
    ) as string
    detector.accused(word(subject, accuser), sealed, 0)
    detector.tick(0, 0)
    let more = 0
    while (detector.table.counts(accuser, subject)) detector.known(`m${more++}`, 1, 1, 100)
    expect(detector.table.subjectsOf('me')).toContain(subject)
    expect(accusedBy(detector, 100)).toEqual([])
    expect(accusedBy(detector, 2_600)).toContain(subject)
  })

  it('that was passed on is remembered of the last 4,096 subjects', () => {
    const detector = clusterOf(200)
    const other = names(200).find((node) => !detector.table.counts(node, 'n5') && node !== 'n5') as string
    detector.passed(word('n5', other), 0)
    expect(detector.worth(word('n5', other), 1)).toBe('old')
    for (let at = 0; at < 4_096; at += 1) detector.passed(word(`x${at}`, other), 0)
    expect(detector.worth(word('n5', other), 1)).toBe('passes')
  })

  it('whoever is suspected has half of the shortest suspicion once more when one comes back that was believed dead, but only once', () => {
    const detector = clusterOf(10)
    for (const accuser of detector.table.of('n1')) detector.accused(word('n1', accuser), sealed, 0)
    detector.unlinked('n1', 0, false)
    expect(deadBy(detector, 1_400)).toEqual([])
    detector.cameBack('n2', 1_400)
    expect(deadBy(detector, 2_100)).toEqual([])
    detector.cameBack('n3', 2_100)
    expect(deadBy(detector, 2_150)).toEqual(['n1'])
  })

  it('nor has it less when several monitors turn out to be wrong about another one; a single one does not count for that', () => {
    for (const wrong of [1, 2]) {
      const detector = clusterOf(10)
      for (const accuser of detector.table.of('n1')) detector.accused(word('n1', accuser), sealed, 0)
      detector.unlinked('n1', 0, false)
      for (const accuser of detector.table.of('n2').slice(0, wrong)) detector.accused(word('n2', accuser), sealed, 0)
      detector.known('n2', 1, 2, 1_400)
      expect(deadBy(detector, 1_600)).toEqual(wrong === 1 ? ['n1'] : [])
    }
  })

  it('a peer that comes is told all that is said against itself, and a word against each other node', () => {
    const detector = clusterOf(60)
    const say = (subject: string): Uint8Array[] =>
      detector.table
        .of(subject)
        .slice(0, 3)
        .map((accuser, at) => {
          const bytes = Uint8Array.of(Number(subject.slice(1)), at)
          detector.accused(word(subject, accuser), bytes, 0)
          return bytes
        })
    const [ofPeer, ofOther] = [say('n1'), say('n2')]
    expect([...detector.toTell('n1')]).toEqual([...ofPeer, ofOther[0]])
  })
})

it('nobody is ever dead who refutes within the shortest suspicion, whoever accuses it and however the ticks come', () => {
  const event = fc.record({
    afterMs: fc.integer({ min: 0, max: 700 }),
    kind: fc.constantFrom('accuse', 'silent', 'heard', 'pause'),
    subject: fc.integer({ min: 0, max: 5 }),
    accuser: fc.integer({ min: 0, max: 8 }),
  })
  fc.assert(
    fc.property(fc.array(event, { maxLength: 80 }), (events) => {
      const detector = clusterOf(10)
      const versions = new Map<string, number>()
      const refuteAt = new Map<string, number>()
      let now = 0
      for (const { afterMs, kind, subject, accuser } of events) {
        const pausedMs = kind === 'pause' ? afterMs * 5 : 0
        now += afterMs + pausedMs
        for (const [node, at] of refuteAt) {
          if (now < at) continue
          const version = (versions.get(node) ?? 1) + 1
          versions.set(node, version)
          refuteAt.delete(node)
          detector.known(node, 1, version, now)
        }
        const node = `n${subject}`
        if (kind === 'silent') detector.silent(node, now)
        if (kind === 'heard') detector.heard(node)
        const accusation = { ...word(node, `n${accuser}`), version: versions.get(node) ?? 1 }
        if (kind === 'accuse' && detector.worth(accusation, now) === 'counts') detector.accused(accusation, sealed, now)
        const verdicts = detector.tick(now, pausedMs)
        expect(verdicts.dead).toEqual([])
        for (const suspected of detector.suspected()) {
          if (!refuteAt.has(suspected)) refuteAt.set(suspected, now + 700)
        }
      }
    }),
  )
})

function names(count: number): string[] {
  return Array.from({ length: count - 1 }, (_, at) => `n${at}`)
}

/** Ourselves, and nodes that we have all heard of and, if we watch them, hear. */
function clusterOf(size: number, settings: ConstructorParameters<typeof FailureDetector>[1] = {}): FailureDetector {
  const detector = new FailureDetector('me', settings)
  for (const node of names(size)) {
    detector.known(node, 1, 1, 0)
    detector.heard(node)
  }
  return detector
}

function word(subject: string, accuser: string): Accusation {
  return { subject, life: 1, version: 1, accuser }
}

function accusedBy(detector: FailureDetector, now: number): string[] {
  return detector.tick(now, 0).accuse.map(({ subject }) => subject)
}

function deadBy(detector: FailureDetector, now: number): string[] {
  return detector.tick(now, 0).dead.map(({ node }) => node)
}
