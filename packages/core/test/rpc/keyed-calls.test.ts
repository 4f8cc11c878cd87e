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
import { loadLimitsDefault } from '../../src/rpc/load-limits.ts'

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

describe('a call that is held up by `allow`', () => {
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

/** The keyed calls of one node, all under one key by the node `a`, which may have two at a time; the test does their work. */
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
  readonly #kernel = new Kernel({ node: 'me', life: 1, thread: 0, platform: this.platform, codec: msgpackCodec() })
  readonly keyed = new KeyedCalls({
    kernel: this.#kernel,
    limits: idempotencyLimitsDefault,
    inbound: new InboundCalls({ ...loadLimitsDefault, perPeerMax: 2 }, this.platform.clock),
    take: ({ from }: SpawnSignal, arrivedMs: number, isAllowed: boolean): Failure | undefined => {
      this.taken.push({ standIn: from, arrivedMs, isAllowed })
      return undefined
    },
    // The work has a process, which ends when the test says so.
    end: (_standIn, reason) => this.ended.push(reason) > 0,
    mayJoin: () => this.allow,
  })

  constructor() {
    this.#kernel.away = {
      route: (signal) => {
        if (signal.type !== 'reply') return
        const { result } = signal
        this.told.push([signal.to.serial, result.ok ? result.value : result.failure.code])
        if (!result.ok) this.outcomes.push(result.failure.outcome)
      },
    }
  }

  spawn(serial: number): void {
    const request = { procedure: 'write', version: 1, timeLeftMs: 100, idempotencyKey: 'k', callerRegion: 'lax' }
    const to = { node: 'me', life: 1, thread: 0, serial: 0 }
    this.keyed.spawn({ type: 'spawn', from: call(serial), to, request: { ...request, input: new Uint8Array() } })
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
