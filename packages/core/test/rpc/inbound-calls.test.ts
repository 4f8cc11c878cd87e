import { virtualClock } from '@skerry/testing'
import { describe, expect, it } from 'vitest'
import { noteReceived } from '../../src/base/received-bytes.ts'
import { procedure } from '../../src/rpc/procedure.ts'
import type { Pid } from '../../src/actor/pid.ts'
import type { Body, Failure } from '../../src/actor/signal.ts'
import { InboundCall, ProcedureLoad, type StartedProcess } from '../../src/rpc/inbound-call.ts'
import { InboundCalls } from '../../src/rpc/inbound-calls.ts'
import { type LoadLimits, loadLimitsDefault, standingMs, startingMax } from '../../src/rpc/load-limits.ts'

const call = (serial: number, node = 'a', thread = 0): Pid => ({ node, life: 1, thread, serial })
const ignore = (): void => undefined
const process = (serial: number): StartedProcess & { serial: number } => ({ serial, stop: ignore, callerLost: ignore })

interface Limits {
  readonly maxInFlight?: number
  readonly maxWaiting?: number
}

/** Calls of one procedure, or of several, on a clock of their own. */
function world(limits: Limits = {}, node: Partial<LoadLimits> = {}) {
  const clock = virtualClock()
  const inbound = new InboundCalls({ ...loadLimitsDefault, ...node }, clock)
  const begun: number[] = []
  const refused: number[] = []
  inbound.on = {
    begins: ({ call: { serial } }) => begun.push(serial),
    refused: ({ call: { serial } }, failure) => {
      expect(failure).toMatchObject({ code: 'ERR_OVERLOADED', outcome: 'not-run' })
      refused.push(serial)
    },
  }
  const serves = (own: Limits) => {
    const offered = procedure({ name: 'work', run: () => 1, ...own })
    return { procedure: offered, load: new ProcedureLoad(offered.limits) }
  }
  const work = serves(limits)
  const arrived = new Map<number, InboundCall>()
  const bring = (from: Pid, input: Body, caller?: Pid, timeLeftMs = 1_000, served = work, more = {}) => {
    const asked = { procedure: 'work', version: 1, timeLeftMs, idempotencyKey: undefined, callerRegion: '', input }
    const request = { ...asked, ...more }
    const signal = { type: 'spawn', from, to: call(0, 'me'), request } as const
    const whole = caller === undefined ? signal : { ...signal, caller }
    const inboundCall = new InboundCall(whole, served, clock.monotonic(), () => undefined)
    arrived.set(from.serial, inboundCall)
    return inbound.arrive(inboundCall)
  }
  const arrive = (from: Pid, timeLeftMs = 1_000, served = work, caller?: Pid): Failure | 'known' | undefined =>
    bring(from, new Uint8Array(), caller, timeLeftMs, served)
  /** It begins, and its process is there. */
  const run = (from: Pid, its = process(from.serial)): void =>
    inbound.running(arrived.get(from.serial) as InboundCall, its)
  return { clock, inbound, arrive, arrived, bring, run, serves, work, begun, refused }
}

/** Whether the promise has resolved, after everything that can happen without time has. */
function watched(promise: Promise<void>): { done: boolean } {
  const state = { done: false }
  void promise.then(() => (state.done = true))
  return state
}

describe('the calls that a node works on', () => {
  it('are wanted from their arrival to their end', () => {
    const { inbound, arrive } = world()
    expect(inbound.isWanted(call(1))).toBe(false)
    expect(arrive(call(1))).toBeUndefined()
    expect(inbound.isWanted(structuredClone(call(1)))).toBe(true)
    inbound.end(call(1))
    expect(inbound.isWanted(call(1))).toBe(false)
  })

  it('give their process to the one who ends them first, if they had begun', () => {
    const { inbound, arrive, run } = world()
    arrive(call(1))
    arrive(call(2))
    run(call(1), process(5))
    expect(inbound.end(call(2))).toBeUndefined()
    expect(inbound.end(call(1))).toEqual(process(5))
    expect(inbound.end(call(1))).toBeUndefined()
  })

  it('are not brought back by a process that starts after their end', () => {
    const { inbound, arrive, run } = world()
    arrive(call(1))
    inbound.end(call(1))
    run(call(1), process(5))
    expect(inbound.isWanted(call(1))).toBe(false)
    expect(inbound.size).toBe(0)
  })

  it('that come twice are taken once', () => {
    const { inbound, arrive, begun } = world()
    arrive(call(1))
    expect(arrive(call(1))).toBe('known')
    expect([inbound.size, begun]).toEqual([1, [1]])
  })

  it('of a lost node all end, and only the processes that run for them are given back', () => {
    const { inbound, arrive, run } = world()
    for (const each of [call(1), call(2), call(3, 'b')]) arrive(each)
    run(call(1), process(5))
    run(call(3, 'b'), process(6))
    expect(inbound.endLost({ node: 'a', life: 1 })).toEqual([process(5)])
    expect(inbound.isWanted(call(2))).toBe(false)
    expect(inbound.isWanted(call(3, 'b'))).toBe(true)
  })

  it("of a lost node all end before the place of one is another's, which is none of them", () => {
    const { inbound, arrive, begun } = world({ maxInFlight: 1 })
    for (const each of [call(1), call(2), call(3, 'b')]) arrive(each)
    const isWanted: boolean[] = []
    inbound.on = { ...inbound.on, begins: (one) => void (begun.push(one.call.serial), isWanted.push(one.isWanted)) }
    inbound.endLost({ node: 'a', life: 1 })
    expect([begun, isWanted, inbound.waiting]).toEqual([[1, 3], [true], 0])
  })

  it('that nobody waits for go on when their node is lost', () => {
    const { inbound, bring, work } = world()
    bring(call(1), new Uint8Array(), undefined, 1_000, work, { isCast: true })
    bring(call(2), new Uint8Array())
    inbound.endLost({ node: 'a', life: 1 })
    expect([1, 2].map((serial) => inbound.isWanted(call(serial)))).toEqual([true, false])
  })

  it('of another life of the node, or another of its threads, go on', () => {
    const { inbound, arrive } = world()
    arrive(call(1))
    arrive(call(2, 'a', 4))
    expect(inbound.endLost({ node: 'a', life: 2 })).toEqual([])
    inbound.endLost({ node: 'a', life: 1, thread: 4 })
    expect(inbound.isWanted(call(1))).toBe(true)
    expect(inbound.isWanted(call(2, 'a', 4))).toBe(false)
  })
})

describe('a limit', () => {
  it('of a procedure lets that many begin, and the others as these end', () => {
    const { inbound, arrive, run, begun } = world({ maxInFlight: 2 })
    for (const serial of [1, 2, 3, 4]) arrive(call(serial))
    expect([begun, inbound.waiting]).toEqual([[1, 2], 2])
    run(call(1))
    expect(begun).toEqual([1, 2])
    inbound.end(call(1))
    inbound.end(call(2))
    expect([begun, inbound.waiting]).toEqual([[1, 2, 3, 4], 0])
  })

  it('of the node holds over all procedures, whose calls then begin by turns', () => {
    const { inbound, arrive, run, serves, begun } = world({}, { inFlightMax: 1 })
    const other = serves({})
    for (const serial of [1, 2, 3, 4]) arrive(call(serial))
    for (const serial of [5, 6]) arrive(call(serial), 1_000, other)
    for (let done = 0; done < 5; done += 1) {
      run(call(begun[done] as number))
      inbound.end(call(begun[done] as number))
    }
    expect(begun).toEqual([1, 2, 5, 3, 6, 4])
  })

  it('of a peer refuses its calls at once, and no others', () => {
    const { inbound, arrive } = world({ maxInFlight: 1 }, { perPeerMax: 2 })
    for (const serial of [1, 2]) expect(arrive(call(serial))).toBeUndefined()
    expect(arrive(call(3))).toMatchObject({ code: 'ERR_OVERLOADED', outcome: 'not-run' })
    expect(arrive(call(3, 'b'))).toBeUndefined()
    inbound.end(call(2))
    expect(arrive(call(4))).toBeUndefined()
  })

  it('of a peer counts the calls that wait for stand-ins, and not the stand-ins', () => {
    const { inbound, arrive } = world({ maxInFlight: 1 }, { perPeerMax: 2 })
    inbound.joined(call(1), true)
    expect(arrive(call(2))).toBeUndefined()
    expect(arrive(call(3))).toMatchObject({ code: 'ERR_OVERLOADED' })
    inbound.joined(call(1), false)
    expect(arrive(call(3))).toBeUndefined()
    for (const serial of [1, 2, 3]) expect(arrive(call(serial, 'me'), 1_000, undefined, call(9))).toBeUndefined()
    expect(inbound.takesOneMoreOf(call(4, 'me'))).toBe(true)
    inbound.end(call(1, 'me'))
    for (const serial of [4, 5]) expect(arrive(call(serial, 'me'))).toBeUndefined()
    expect(arrive(call(6, 'me'))).toMatchObject({ code: 'ERR_OVERLOADED' })
    // Nor do the node's own calls leave less room for stand-ins.
    expect(arrive(call(7, 'me'), 1_000, undefined, call(9))).toBeUndefined()
  })

  it('of the queue, of a procedure or of all, refuses the newest in a burst', () => {
    const one = world({ maxInFlight: 1, maxWaiting: 1 })
    expect([1, 2, 3].map((serial) => one.arrive(call(serial)) === undefined)).toEqual([true, true, false])
    const all = world({ maxInFlight: 1 }, { waitingMax: 1 })
    expect([1, 2, 3].map((serial) => all.arrive(call(serial)) === undefined)).toEqual([true, true, false])
  })

  it('of those that were let in and have no process keeps the rest where the order can still be chosen', () => {
    const { inbound, arrive, run, begun } = world()
    for (let serial = 1; serial <= startingMax + 2; serial += 1) arrive(call(serial))
    expect([begun.length, inbound.waiting]).toEqual([startingMax, 2])
    run(call(1))
    expect(begun.at(-1)).toBe(startingMax + 1)
  })
})

describe('what RpcServer starts together', () => {
  it('lets as many others in behind it, and not one for each', () => {
    const { inbound, arrive, run, begun } = world()
    for (let serial = 1; serial <= startingMax + 40; serial += 1) arrive(call(serial))
    expect(begun.length).toBe(startingMax)
    inbound.gather(() => {
      for (let serial = 1; serial <= startingMax; serial += 1) run(call(serial))
      inbound.end(call(1))
      expect(begun.length).toBe(startingMax)
    }, 0)
    expect(begun).toEqual(Array.from({ length: startingMax * 2 }, (_, index) => index + 1))
    const crash = (): void =>
      inbound.gather(() => {
        run(call(startingMax + 1))
        throw new Error('a crash')
      }, 0)
    expect(crash).toThrow('a crash')
    expect(begun.length).toBe(startingMax * 2 + 1)
  })
})

describe('the queue', () => {
  it('lets go of a call that was cancelled or whose peer was lost', () => {
    const { inbound, arrive, begun, refused } = world({ maxInFlight: 1 })
    for (const each of [call(1), call(2), call(3, 'b'), call(4)]) arrive(each)
    inbound.end(call(2))
    inbound.endLost({ node: 'b', life: 1 })
    expect(inbound.waiting).toBe(1)
    inbound.end(call(1))
    expect([begun, refused]).toEqual([[1, 4], []])
  })

  it('gives a call back as not run when half of its time is over', async () => {
    const { inbound, clock, arrive, refused } = world({ maxInFlight: 1 })
    arrive(call(1))
    arrive(call(2), 1_000)
    arrive(call(3), 200)
    await clock.advance(99)
    expect(refused).toEqual([])
    await clock.advance(11)
    expect(refused).toEqual([3])
    await clock.advance(400)
    expect([refused, inbound.size]).toEqual([[3, 2], 1])
    expect(clock.pending).toBe(0)
  })

  it('begins none that has no time left when its turn comes, not even at that moment', async () => {
    const { inbound, clock, arrive, begun, refused } = world({ maxInFlight: 1 })
    arrive(call(1))
    await clock.advance(1)
    arrive(call(2), 98)
    await clock.advance(49)
    expect(refused).toEqual([])
    inbound.end(call(1))
    expect([begun, refused, inbound.waiting]).toEqual([[1], [2], 0])
    // So the queue stands for a while.
    for (const serial of [3, 4, 5]) arrive(call(serial))
    inbound.end(call(3))
    expect(begun).toEqual([1, 3, 5])
  })

  it('takes the oldest first as long as they get their turn in time, and the newest first when it stands', async () => {
    const { inbound, clock, arrive, begun } = world({ maxInFlight: 1 })
    for (const serial of [1, 2, 3, 4]) arrive(call(serial))
    inbound.end(call(1))
    expect(begun).toEqual([1, 2])
    await clock.advance(251)
    arrive(call(5))
    for (const serial of [2, 5, 4]) inbound.end(call(serial))
    expect(begun).toEqual([1, 2, 5, 4, 3])
  })

  it('that is never empty, and yet serves everyone soon, keeps to the order', async () => {
    const { inbound, clock, arrive, begun, refused } = world({ maxInFlight: 1 })
    for (const serial of [1, 2, 3]) arrive(call(serial))
    // Whoever is answered calls again.
    for (let serial = 1; serial <= 40; serial += 1) {
      await clock.advance(25)
      inbound.end(call(serial))
      arrive(call(serial + 3))
    }
    expect(begun).toEqual(Array.from({ length: 41 }, (_, index) => index + 1))
    expect(refused).toEqual([])
  })

  it('stands for a while after a call whose time for waiting was over', async () => {
    const { inbound, clock, arrive, begun, refused } = world({ maxInFlight: 1 })
    arrive(call(1))
    arrive(call(2), 100)
    await clock.advance(50)
    expect(refused).toEqual([2])
    for (const serial of [3, 4, 5]) arrive(call(serial))
    inbound.end(call(1))
    expect(begun).toEqual([1, 5])
    await clock.advance(standingMs + 1)
    inbound.end(call(5))
    expect(begun).toEqual([1, 5, 3])
  })

  it('that stands and is full gives its place to the newest', async () => {
    const { clock, arrive, refused } = world({ maxInFlight: 1, maxWaiting: 2 })
    for (const serial of [1, 2, 3]) arrive(call(serial))
    await clock.advance(251)
    expect(arrive(call(4))).toBeUndefined()
    expect(refused).toEqual([2])
  })

  it('is given back as a whole', () => {
    const { inbound, arrive, begun } = world({ maxInFlight: 1 })
    const failures: Failure[] = []
    inbound.on = { ...inbound.on, refused: (_call, failure) => failures.push(failure) }
    for (const serial of [1, 2, 3]) arrive(call(serial))
    const leaving: Failure = { code: 'ERR_DRAINING', outcome: 'not-run', message: 'leaving' }
    inbound.giveBackWaiting(leaving)
    expect([failures, inbound.size, begun]).toEqual([[leaving, leaving], 1, [1]])
  })

  it('is not left by one after the other from within when none of them can begin', () => {
    const { inbound, arrive } = world(
      { maxInFlight: 1, maxWaiting: 20_000 },
      { waitingMax: 20_000, perPeerMax: 20_000 },
    )
    let depth = 0
    let deepest = 0
    inbound.on = {
      ...inbound.on,
      begins: (one) => {
        if (one.call.serial === 1) return
        depth += 1
        deepest = Math.max(deepest, depth)
        inbound.end(one.call)
        depth -= 1
      },
    }
    for (let serial = 1; serial <= 15_000; serial += 1) arrive(call(serial))
    inbound.end(call(1))
    expect([inbound.size, deepest]).toEqual([0, 1])
  })

  it.each([
    { timeoutMs: 5_000, maxInFlight: 10 },
    { timeoutMs: 200, maxInFlight: 10 },
    { timeoutMs: 2_000, maxInFlight: 1 },
  ])(
    'keeps the goodput of $maxInFlight at a time with $timeoutMs ms of time at four times what can be done',
    async ({ timeoutMs, maxInFlight }) => {
      const serviceMs = 50
      const { inbound, clock, arrive } = world({ maxInFlight })
      let inTime = 0
      inbound.on = {
        begins(one) {
          const { serial } = one.call
          const { arrivedMs } = one
          inbound.running(one, process(serial))
          clock.after(serviceMs, () => {
            if (inbound.end(call(serial)) !== undefined && clock.monotonic() - arrivedMs <= timeoutMs) inTime += 1
          })
        },
        refused() {},
      }
      const perSecond = (maxInFlight * 1_000) / serviceMs
      const seconds = 20
      for (let serial = 1; serial <= 4 * perSecond * seconds; serial += 1) {
        arrive(call(serial), timeoutMs)
        // The caller gives up at its deadline, and says so.
        clock.after(timeoutMs, () => inbound.end(call(serial)))
        await clock.advance(1_000 / (4 * perSecond))
      }
      expect(inTime / (perSecond * seconds)).toBeGreaterThan(0.95)
    },
  )
})

describe('the inputs of calls of other nodes', () => {
  const kibi = (count: number): Uint8Array => new Uint8Array(count * 1024)
  const overloaded = { code: 'ERR_OVERLOADED', outcome: 'not-run' }

  it('have a bound in bytes for one node and one for all, whether their calls run or wait', () => {
    const { bring } = world({ maxInFlight: 1 }, { perPeerBytesMax: 8 * 1024, bytesMax: 12 * 1024 })
    expect([bring(call(1, 'a'), kibi(4)), bring(call(2, 'a'), kibi(4))]).toEqual([undefined, undefined])
    expect(bring(call(3, 'a'), kibi(2))).toMatchObject(overloaded)
    expect(bring(call(1, 'b'), kibi(4))).toBeUndefined()
    expect(bring(call(2, 'b'), kibi(2))).toMatchObject(overloaded)
  })

  it('give their room back at the end, however it comes', async () => {
    const { bring, inbound, run, clock } = world({ maxInFlight: 1, maxWaiting: 1 }, { perPeerBytesMax: 9 * 1024 })
    const again = (serial: number): void => {
      expect(bring(call(serial), kibi(9))).toBeUndefined()
      expect(bring(call(serial + 1), kibi(2))).toMatchObject(overloaded)
    }
    again(1)
    inbound.end(call(1))
    again(11)
    run(call(11))
    inbound.endRunning()
    again(21)
    inbound.endLost({ node: 'a', life: 1 })
    // This one stays, so that the next waits: until its time is over, until it is given back, until a newer one goes first.
    expect(bring(call(31, 'me'), kibi(1))).toBeUndefined()
    again(32)
    await clock.advance(1_000)
    again(41)
    inbound.giveBackWaiting({ code: 'ERR_OVERLOADED', outcome: 'not-run', message: '' })
    again(51)
    await clock.advance(600)
    expect(bring(call(52, 'b'), kibi(9), undefined, 10_000)).toBeUndefined()
    again(61)
  })

  it('are refused without a trace when there is no place for their calls', () => {
    const { bring, inbound } = world({ maxInFlight: 1, maxWaiting: 0 }, { perPeerBytesMax: 8 * 1024 })
    bring(call(1, 'b'), kibi(2))
    for (let serial = 1; serial <= 10; serial += 1) expect(bring(call(serial), kibi(7))).toMatchObject(overloaded)
    inbound.end(call(1, 'b'))
    expect(bring(call(1), kibi(7))).toBeUndefined()
  })

  it('count what they became as well, as long as their caller waits, and give that back with the rest', () => {
    const { bring, inbound, arrived } = world({}, { perPeerBytesMax: 9 * 1024 })
    const more = (serial: number, count: number): boolean =>
      inbound.holdsMore(arrived.get(serial) as InboundCall, count * 1024)
    bring(call(1), kibi(2))
    bring(call(2), kibi(2))
    expect([more(1, 4), more(1, 2), more(2, 1)]).toEqual([true, false, true])
    inbound.end(call(1))
    // It has let go: what it becomes now is nobody's.
    expect(more(1, 64)).toBe(true)
    inbound.end(call(2))
    expect(bring(call(3), kibi(5))).toBeUndefined()
    expect(bring(call(4), kibi(4))).toBeUndefined()
  })

  it('may be of any size where none is held', () => {
    const { bring, inbound } = world({}, { perPeerBytesMax: 1, bytesMax: 1 })
    expect(bring(call(1), kibi(64))).toBeUndefined()
    expect(bring(call(2), kibi(2))).toMatchObject(overloaded)
    inbound.end(call(1))
    expect(bring(call(3), kibi(64))).toBeUndefined()
  })

  it('are not counted up to a kibibyte, nor those of the node itself; those of a stand-in are of its caller', () => {
    const { bring } = world({}, { perPeerBytesMax: 8 * 1024 })
    for (let serial = 1; serial <= 20; serial += 1) {
      expect(bring(call(serial), kibi(1))).toBeUndefined()
      expect(bring(call(serial, 'me'), kibi(4))).toBeUndefined()
    }
    expect(bring(call(21, 'me'), kibi(7), call(100))).toBeUndefined()
    expect(bring(call(22, 'me'), kibi(7), call(101))).toMatchObject(overloaded)
  })

  it('that wait keep nothing alive of the block that they came in', () => {
    const { bring, inbound } = world({ maxInFlight: 1 })
    const begun: InboundCall[] = []
    inbound.on = { begins: (begins) => void begun.push(begins), refused() {} }
    const block = kibi(64)
    for (const serial of [1, 2]) bring(call(serial), block.subarray(serial * 100, serial * 100 + 100))
    inbound.end(call(1))
    expect(begun.map(({ request }) => (request.input as Uint8Array).buffer.byteLength)).toEqual([65_536, 100])
  })

  it('that wait are read from their block once, but not where others of their key may have the same', () => {
    const { bring, work } = world({ maxInFlight: 1 })
    const block = kibi(64)
    let read = 0
    noteReceived(block.buffer, { partWasRead: () => void (read += 1) })
    const wait = (serial: number, idempotencyKey?: string) =>
      bring(call(serial), block.subarray(0, 100), undefined, 1_000, work, { idempotencyKey })
    wait(1)
    wait(2, 'k')
    expect(read).toBe(0)
    wait(3)
    expect(read).toBe(1)
  })
})

describe('when all remote processes are gone', () => {
  it('only the calls that still wait for their turn go on', () => {
    const { inbound, arrive, run } = world()
    for (const each of [call(1), call(2)]) arrive(each)
    run(call(1), process(5))
    inbound.endRunning()
    expect([call(1), call(2)].map((each) => inbound.isWanted(each))).toEqual([false, true])
  })
})

describe('waiting for their end', () => {
  it('is over at once when there are none', async () => {
    const { inbound, clock } = world()
    await inbound.whenEmpty(clock, 1_000)
  })

  it('is over with the last one, and leaves no timer', async () => {
    const { inbound, clock, arrive } = world()
    for (const each of [call(1), call(2)]) arrive(each)
    const empty = watched(inbound.whenEmpty(clock, 1_000))
    inbound.end(call(1))
    await clock.advance(10)
    expect(empty.done).toBe(false)
    inbound.end(call(2))
    await clock.advance(0)
    expect(empty.done).toBe(true)
    expect(clock.pending).toBe(0)
  })

  it.each([
    ['by itself', (_inbound: InboundCalls, end: () => void) => end()],
    ['behind others that were gathered', (inbound: InboundCalls, end: () => void) => inbound.gather(end, 50)],
  ])('is over when no time is left for the last one that waited, refused %s', async (_how, act) => {
    const { inbound, clock, arrive, refused } = world({ maxInFlight: 1 })
    arrive(call(1))
    await clock.advance(1)
    arrive(call(2), 98)
    const empty = watched(inbound.whenEmpty(clock, 10_000))
    await clock.advance(49)
    act(inbound, () => void inbound.end(call(1)))
    await clock.advance(0)
    expect([refused, empty.done]).toEqual([[2], true])
  })

  it('is over when the time is, though they are not', async () => {
    const { inbound, clock, arrive } = world()
    arrive(call(1))
    const empty = watched(inbound.whenEmpty(clock, 1_000))
    await clock.advance(999)
    expect(empty.done).toBe(false)
    await clock.advance(1)
    expect(empty.done).toBe(true)
  })
})
