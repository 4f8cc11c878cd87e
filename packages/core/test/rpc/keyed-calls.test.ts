import { manualPlatform } from '@skerry/testing'
import { describe, expect, it } from 'vitest'
import type { ExitReason } from '../../src/actor/exit-reason.ts'
import { Kernel } from '../../src/actor/kernel.ts'
import type { Pid } from '../../src/actor/pid.ts'
import type { Failure, Outcome, ReplyResult, SpawnSignal } from '../../src/actor/signal.ts'
import { msgpackCodec } from '../../src/codec/msgpack-codec.ts'
import { idempotencyLimitsDefault } from '../../src/rpc/idempotency-window.ts'
import { InboundCalls } from '../../src/rpc/inbound-calls.ts'
import { KeyedCalls } from '../../src/rpc/keyed-calls.ts'
import { type LoadLimits, loadLimitsDefault } from '../../src/rpc/load-limits.ts'

const stored: ReplyResult = { ok: true, value: 'stored', encoded: false }

describe('a call whose key has work that everybody gave up', () => {
  it('waits for the end of that work and begins anew', () => {
    const world = new World()
    world.spawn(1)
    world.giveUp(1)
    world.spawn(2)
    world.spawn(3)
    expect([world.taken.length, world.told]).toEqual([1, []])
    world.workExits(0)
    expect(world.taken).toHaveLength(2)
    world.workAnswers(1, stored)
    expect(world.told).toEqual([
      [2, 'stored'],
      [3, 'stored'],
    ])
  })

  it('is given the result, if it was done after all, and so is the next', () => {
    const world = new World()
    world.spawn(1)
    world.giveUp(1)
    world.spawn(2)
    world.workAnswers(0, stored)
    world.spawn(3)
    expect(world.told).toEqual([
      [2, 'stored'],
      [3, 'stored'],
    ])
    expect(world.taken).toHaveLength(1)
  })

  it('is not told how that work failed', () => {
    const world = new World()
    world.spawn(1)
    world.giveUp(1)
    world.spawn(2)
    world.workAnswers(0, { ok: false, failure: { code: 'ERR_REMOTE_ERROR', outcome: 'ran', message: 'half of it' } })
    expect([world.taken.length, world.told]).toEqual([2, []])
  })

  it('has as much time as it had when it came', async () => {
    const world = new World()
    world.spawn(1)
    world.giveUp(1)
    await world.platform.advance(5)
    world.spawn(2)
    await world.platform.advance(70)
    world.workExits(0)
    expect(world.taken[1]?.arrivedMs).toBe(5)
  })

  it.each(['gives up', 'is lost'])('and that %s leaves nothing behind', (how) => {
    const world = new World()
    world.spawn(1)
    world.giveUp(1)
    world.spawn(2)
    world.spawn(2)
    if (how === 'gives up') world.giveUp(2)
    else world.keyed.peerLost({ node: 'a', life: 1 })
    world.workExits(0)
    expect([world.taken.length, world.told]).toEqual([1, []])
    // Not one of its node's places is taken any more.
    world.spawn(3)
    world.spawn(4)
    world.spawn(5)
    expect(world.told).toEqual([[5, 'ERR_OVERLOADED']])
  })
})

describe('the work of a key', () => {
  it('goes on when the connection to its caller is lost, and is ended when another life of that node shows up', () => {
    const world = new World()
    world.spawn(1)
    world.keyed.peerLost({ node: 'a', life: 1 })
    world.meets('a', 1)
    world.meets('b', 2)
    expect(world.ended).toEqual([])
    world.meets('a', 2)
    expect(world.ended).toEqual(['noconnection'])
    world.meets('a', 3)
    expect(world.ended.length).toBe(1)
  })

  it('goes on for a caller that may come back when another gives up, and for one that waits when the first is gone for good', () => {
    const world = new World()
    world.spawn(1)
    world.keyed.peerLost({ node: 'a', life: 1 })
    world.spawn(2)
    world.giveUp(2)
    expect(world.ended).toEqual([])
    world.spawn(3)
    world.meets('a', 2)
    expect(world.ended).toEqual([])
    world.workAnswers(0, stored)
    expect(world.told).toEqual([[3, 'stored']])
  })

  it('is ended when a caller that came back gives up', () => {
    const world = new World()
    world.spawn(1)
    world.keyed.peerLost({ node: 'a', life: 1 })
    world.spawn(1)
    world.giveUp(1)
    expect(world.ended).toEqual(['cancelled'])
  })

  it('is waited for by a call that comes twice as by one', () => {
    const world = new World()
    world.spawn(1)
    world.spawn(1)
    world.workAnswers(0, stored)
    for (const serial of [2, 3]) world.spawn(serial, `of ${serial}`)
    expect([world.told, world.taken.length]).toEqual([[[1, 'stored']], 3])
  })

  it('that was refused as not run leaves no trace', () => {
    const world = new World()
    world.refusal = { code: 'ERR_OVERLOADED', outcome: 'not-run', message: '' }
    world.spawn(1)
    world.refusal = undefined
    world.spawn(1)
    world.workAnswers(1, stored)
    expect([world.told, world.outcomes]).toEqual([
      [
        [1, 'ERR_OVERLOADED'],
        [1, 'stored'],
      ],
      ['not-run'],
    ])
  })

  it('that is done anew is remembered from then on, and keeps no other for longer', async () => {
    const world = new World()
    world.spawn(1)
    world.workAnswers(0, { ok: false, failure: { code: 'ERR_REMOTE_ERROR', outcome: 'ran', message: 'half of it' } })
    await world.platform.advance(1)
    world.spawn(2, 'other')
    world.workAnswers(1, stored)
    await world.platform.advance(60_000)
    world.spawn(3)
    world.workAnswers(2, stored)
    await world.platform.advance(60_000)
    world.spawn(4)
    world.spawn(5, 'other')
    expect([world.told.at(-1), world.taken.length]).toEqual([[4, 'stored'], 4])
  })

  it('is ended when the thread of its caller is lost', () => {
    const world = new World()
    world.spawn(1)
    world.keyed.peerLost({ node: 'a', life: 1, thread: 0 })
    expect(world.ended).toEqual(['threadlost'])
  })

  it('is not done again for a call that may not have heard how it failed, and is for a new one', () => {
    const world = new World()
    world.spawn(1)
    world.workAnswers(0, { ok: false, failure: { code: 'ERR_REMOTE_ERROR', outcome: 'ran', message: 'half of it' } })
    world.spawn(1)
    expect([world.taken.length, world.told]).toEqual([
      1,
      [
        [1, 'ERR_REMOTE_ERROR'],
        [1, 'ERR_REMOTE_ERROR'],
      ],
    ])
    world.spawn(2)
    expect(world.taken.length).toBe(2)
  })

  it('is remembered by bytes of its own: those that it came with may be given away', () => {
    const world = new World()
    const block = new Uint8Array([1, 2, 3, 4])
    world.spawn(1)
    world.workAnswers(0, { ok: true, value: block.subarray(1, 3), encoded: true })
    world.spawn(2)
    block.fill(0)
    world.spawn(3)
    expect(world.told).toEqual([1, 2, 3].map((serial) => [serial, Uint8Array.of(2, 3)]))
  })
})

describe('a call beyond those that its node may have', () => {
  it('is not told that it was not run where the work of its key runs, and has nothing to do with that', () => {
    const world = new World()
    world.spawn(1)
    world.spawn(2)
    world.spawn(3)
    world.spawn(4, 'other')
    expect(world.told).toEqual([
      [3, 'ERR_OVERLOADED'],
      [4, 'ERR_OVERLOADED'],
    ])
    expect([world.outcomes, world.overloads, world.taken.length]).toEqual([['unknown', 'not-run'], 2, 1])
    world.workAnswers(0, stored)
    expect(world.told.slice(2)).toEqual([
      [1, 'stored'],
      [2, 'stored'],
    ])
  })

  it('is given what was done already', () => {
    const world = new World()
    world.spawn(1)
    world.workAnswers(0, stored)
    world.spawn(2, 'other')
    world.spawn(3, 'another')
    world.spawn(4)
    expect(world.told).toEqual([
      [1, 'stored'],
      [4, 'stored'],
    ])
  })
})

describe('how work failed that nobody heard of', () => {
  it('is told to the next call that asks, and to no other: a new one begins anew', () => {
    const world = new World()
    world.spawn(1)
    world.keyed.peerLost({ node: 'a', life: 1 })
    world.workAnswers(0, { ok: false, failure: { code: 'ERR_REMOTE_ERROR', outcome: 'ran', message: 'half of it' } })
    world.spawn(2)
    // A further try of the one that was told.
    world.spawn(2)
    expect([world.told, world.replays, world.taken.length]).toEqual([
      [
        [2, 'ERR_REMOTE_ERROR'],
        [2, 'ERR_REMOTE_ERROR'],
      ],
      2,
      1,
    ])
    world.spawn(3)
    expect([world.told.length, world.taken.length]).toEqual([2, 2])
  })
})

describe('a call that is held up by `allow`', () => {
  it('is not the one that begins the work: that one is asked for before', () => {
    const world = new World()
    world.spawn(1)
    expect(world.asked).toEqual([])
    world.spawn(2)
    expect(world.asked).toEqual([2])
  })

  it('and is given up meanwhile does not join', async () => {
    const world = new World()
    world.spawn(1)
    world.allow = Promise.resolve(true)
    world.spawn(2)
    world.giveUp(2)
    await world.platform.settle()
    world.workAnswers(0, stored)
    expect(world.told).toEqual([[1, 'stored']])
  })

  it('is refused when it says no, and hears nothing of the work', async () => {
    const world = new World()
    world.spawn(1)
    for (const no of [false, Promise.resolve(false)]) {
      world.allow = no
      world.spawn(2)
      await world.platform.settle()
    }
    world.workAnswers(0, stored)
    expect(world.told).toEqual([
      [2, 'ERR_NOT_ALLOWED'],
      [2, 'ERR_NOT_ALLOWED'],
      [1, 'stored'],
    ])
    expect([world.outcomes, world.notAllowed]).toEqual([['not-run', 'not-run'], 2])
  })

  it('holds its input meanwhile, and does not know of the work where there is no room for that', async () => {
    const world = new World({ perPeerBytesMax: 4 * 1024 })
    world.spawn(1)
    world.allow = Promise.resolve(true)
    world.spawn(2, 'k', 3 * 1024)
    world.spawn(3, 'k', 2 * 1024)
    expect([world.told, world.outcomes, world.overloads]).toEqual([[[3, 'ERR_OVERLOADED']], ['unknown'], 1])
    await world.platform.settle()
    world.spawn(3, 'k', 2 * 1024)
    await world.platform.settle()
    world.workAnswers(0, stored)
    expect(world.told.slice(1)).toEqual([
      [1, 'stored'],
      [2, 'stored'],
      [3, 'stored'],
    ])
  })

  it('and then finds that it has to begin the work has the time that it came with, and is allowed already', async () => {
    const world = new World()
    world.spawn(1)
    let say: (isAllowed: boolean) => void = () => undefined
    world.allow = new Promise((resolve) => (say = resolve))
    world.spawn(2)
    world.workAnswers(0, { ok: false, failure: { code: 'ERR_OVERLOADED', outcome: 'not-run', message: '' } })
    await world.platform.advance(40)
    say(true)
    await world.platform.settle()
    expect(world.taken.map(({ arrivedMs, isAllowed }) => [arrivedMs, isAllowed])).toEqual([
      [0, false],
      [0, true],
    ])
  })

  it('for all of its time does not know whether the work of its key is done', async () => {
    const world = new World()
    world.spawn(1)
    world.allow = Promise.resolve(undefined)
    world.spawn(2)
    await world.platform.settle()
    expect([world.told, world.outcomes]).toEqual([[[2, 'ERR_RPC_TIMEOUT']], ['unknown']])
  })
})

interface Taken {
  readonly standIn: Pid
  readonly arrivedMs: number
  readonly isAllowed: boolean
}

/** The keyed calls of one node, by the node `a`, which may have two at a time; the test does their work. */
class World {
  readonly platform = manualPlatform()
  /** The stand-ins whose work was begun. */
  readonly taken: Taken[] = []
  /** What each call was told, by its serial. */
  readonly told: [number, unknown][] = []
  readonly outcomes: Outcome[] = []
  /** Why work was ended. */
  readonly ended: ExitReason[] = []
  allow: boolean | Promise<boolean | undefined> = true
  /** What work is refused with. */
  refusal: Failure | undefined = undefined
  readonly #kernel = new Kernel({ node: 'me', life: 1, thread: 0, platform: this.platform, codec: msgpackCodec() })
  /** The calls that `allow` was asked for before they joined. */
  readonly asked: number[] = []
  readonly keyed: KeyedCalls

  constructor(limits: Partial<LoadLimits> = { perPeerMax: 2 }) {
    this.keyed = new KeyedCalls({
      kernel: this.#kernel,
      limits: idempotencyLimitsDefault,
      inbound: new InboundCalls({ ...loadLimitsDefault, ...limits }, this.platform.clock),
      take: ({ from }: SpawnSignal, arrivedMs: number, isAllowed: boolean): Failure | undefined => {
        this.taken.push({ standIn: from, arrivedMs, isAllowed })
        return this.refusal
      },
      // The work has a process, which ends when the test says so.
      end: (_standIn, reason) => this.ended.push(reason) > 0,
      mayJoin: ({ from }) => {
        this.asked.push(from.serial)
        return this.allow
      },
    })
    this.#kernel.away = {
      route: (signal) => {
        if (signal.type !== 'reply') return
        const { result } = signal
        this.told.push([signal.to.serial, result.ok ? result.value : result.failure.code])
        if (!result.ok) this.outcomes.push(result.failure.outcome)
      },
    }
  }

  get replays(): number {
    return this.#kernel.counters.replays
  }

  get notAllowed(): number {
    return this.#kernel.counters.notAllowed
  }

  get overloads(): number {
    return this.#kernel.counters.overloads
  }

  spawn(serial: number, idempotencyKey = 'k', inputBytes = 0): void {
    const request = { procedure: 'write', version: 1, timeLeftMs: 100, idempotencyKey, callerRegion: 'lax' }
    const to = { node: 'me', life: 1, thread: 0, serial: 0 }
    this.keyed.spawn({
      type: 'spawn',
      from: call(serial),
      to,
      request: { ...request, input: new Uint8Array(inputBytes) },
    })
  }

  meets(node: string, life: number): void {
    this.#kernel.nodes.up({ type: 'nodeUp', node, life, region: 'lax' })
  }

  giveUp(serial: number): void {
    const to = { node: 'me', life: 1, thread: 0, serial: 0 }
    expect(this.keyed.cancel({ type: 'cancel', from: call(serial), to, reason: 'cancelled' })).toBe(true)
  }

  workAnswers(at: number, result: ReplyResult): void {
    this.#kernel.deliver({ type: 'reply', to: this.#standIn(at), ref: 0, result })
  }

  workExits(at: number): void {
    const from = { node: 'me', life: 1, thread: 0, serial: 999 }
    this.#kernel.deliver({ type: 'exit', from, to: this.#standIn(at), reason: 'cancelled', viaLink: true })
  }

  #standIn(at: number): Pid {
    return (this.taken[at] as Taken).standIn
  }
}

const call = (serial: number): Pid => ({ node: 'a', life: 1, thread: 0, serial })
