import { manualPlatform } from '@skerry/testing'
import { describe, expect, it } from 'vitest'
import type { Addressable } from '../../src/actor/host.ts'
import { Kernel } from '../../src/actor/kernel.ts'
import type { Pid } from '../../src/actor/pid.ts'
import type { Signal, SpawnRequest } from '../../src/actor/signal.ts'
import { HeldBytes } from '../../src/base/held-bytes.ts'
import { msgpackCodec } from '../../src/codec/msgpack-codec.ts'
import { ForeignSignals } from '../../src/mesh/foreign-signals.ts'

const from = { node: 'b', life: 7, thread: 0, serial: 1 }
const silent = { init: () => undefined, handle: () => undefined }
const behavior = {
  name: 'silent',
  module: undefined,
  trapExit: false,
  mailboxLimit: 10,
  createProcess: () => silent,
}

function start({ isOpenToMembers = false, letters = { bytesMax: 10_000, perPeerBytesMax: 5_000 } } = {}) {
  const kernel = new Kernel({ node: 'a', life: 1, thread: 0, platform: manualPlatform(), codec: msgpackCodec() })
  const answers: Signal[] = []
  kernel.away = { route: (signal) => void answers.push(signal) }
  const delivered: Signal[] = []
  const requests: Signal[] = []
  const held = new HeldBytes(letters)
  const foreign = new ForeignSignals({
    kernel,
    letters: held,
    isOpenToMembers,
    deliver: (signal) => void delivered.push(signal),
    inbox: (signal) => void requests.push(signal),
  })
  const take = (signal: Signal): 'delivered' | 'refused' => {
    const [before, refused] = [delivered.length, kernel.counters.refusedSignals]
    foreign.take('b', signal)
    const isRefused = kernel.counters.refusedSignals > refused
    expect(isRefused).toBe(delivered.length === before)
    return isRefused ? 'refused' : 'delivered'
  }
  return { kernel, foreign, take, held, delivered, requests, answers }
}

const message = (to: Pid, bytes = 1): Signal => ({ type: 'message', to, message: new Uint8Array(bytes), encoded: true })
const monitor = (to: Pid): Signal => ({ type: 'monitor', from, to, ref: 5 })
const exitByLink = (to: Pid): Signal => ({ type: 'exit', from, to, reason: 'normal', viaLink: true })
const elsewhere = (thread: number): Pid => ({ node: 'a', life: 1, thread, serial: 9 })

describe('an actor', () => {
  it('takes what peers send once its Pid was sent out, and is until then as if it were not there', () => {
    const { kernel, take, answers } = start()
    const { pid } = kernel.spawn(behavior, [])
    expect([take(message(pid)), take(monitor(pid))]).toEqual(['refused', 'refused'])
    expect(answers).toEqual([{ type: 'down', from: pid, to: from, ref: 5, reason: 'noproc' }])
    kernel.sendOut(pid)
    expect([take(message(pid)), take(monitor(pid))]).toEqual(['delivered', 'delivered'])
  })

  it('takes what only acts where it is waited for, sent out or not', () => {
    const { kernel, take } = start()
    const { pid } = kernel.spawn(behavior, [])
    expect(take(exitByLink(pid))).toBe('delivered')
  })

  it('takes all where members trust each other', () => {
    const { kernel, take } = start({ isOpenToMembers: true })
    expect([take(message(kernel.spawn(behavior, []).pid)), take(message(elsewhere(3)))]).toEqual([
      'delivered',
      'delivered',
    ])
  })

  it('of the node itself takes nothing, whatever that is and whoever trusts whom', () => {
    const { kernel, take } = start({ isOpenToMembers: true })
    const { pid } = kernel.spawn(behavior, [], { system: true })
    kernel.sendOut(pid)
    expect([take(message(pid)), take(exitByLink(pid))]).toEqual(['refused', 'refused'])
  })

  it('that has ended is left to whoever says so', () => {
    const { kernel, take } = start()
    const actor = kernel.spawn(behavior, [])
    actor.exit('normal')
    expect(take(monitor(actor.pid))).toBe('delivered')
  })

  it('of another thread takes them once that thread said that it was sent out, until the thread is gone', () => {
    const { kernel, foreign, take } = start()
    expect(take(message(elsewhere(3)))).toBe('refused')
    kernel.sendOut(elsewhere(3))
    expect([take(message(elsewhere(3))), take(message(elsewhere(4)))]).toEqual(['delivered', 'refused'])
    foreign.threadLost(3)
    expect(take(message(elsewhere(3)))).toBe('refused')
  })
})

describe('a request to run a procedure, and its cancellation', () => {
  it('go to the inbox', () => {
    const { foreign, requests } = start()
    const to = { ...elsewhere(0), serial: 0 }
    const both: Signal[] = [
      { type: 'spawn', from, to, request: {} as SpawnRequest },
      { type: 'cancel', from, to, reason: 'timeout' },
    ]
    for (const signal of both) foreign.take('b', signal)
    expect(requests).toEqual(both)
  })
})

describe('an answer', () => {
  const result = { ok: true, value: 1, encoded: false } as const

  it('goes straight to the call of this thread that it is for', () => {
    const { kernel, foreign, delivered } = start()
    const pid = kernel.allocatePid()
    const got: Signal[] = []
    kernel.add({ pid, deliver: (signal) => void got.push(signal), peerLost: () => undefined } satisfies Addressable)
    const reply: Signal = { type: 'reply', to: pid, ref: 0, result, via: 'b' }
    foreign.take('b', reply)
    expect([got, delivered]).toEqual([[reply], []])
  })

  it('to a call of another thread, or one that is over, goes on', () => {
    const { kernel, take } = start()
    expect(take({ type: 'reply', to: elsewhere(3), ref: 0, result, via: 'b' })).toBe('delivered')
    expect(take({ type: 'reply', to: kernel.allocatePid(), ref: 0, result, via: 'b' })).toBe('delivered')
  })

  it('to one of the node’s own actors is refused', () => {
    const { kernel, take } = start()
    const { pid } = kernel.spawn(behavior, [], { system: true })
    expect(take({ type: 'reply', to: pid, ref: 0, result, via: 'b' })).toBe('refused')
  })
})

describe('letters of a peer', () => {
  it('say of which node they are where they count, and of 1 KiB they do not', () => {
    const { take, held, delivered } = start({ isOpenToMembers: true })
    take(message(elsewhere(3), 1_024))
    take(message(elsewhere(3), 1_025))
    expect(delivered).toMatchObject([{ type: 'message' }, { held: { node: 'b', bytes: 1_025 } }])
    expect(delivered[0]).not.toHaveProperty('held')
    // Whoever has the letter counts it from then on.
    expect(held.take('b', 5_000)).toBe(true)
  })

  it('are dropped and counted where as much waits as may, and a call is told', () => {
    const { kernel, foreign, held, delivered, answers } = start({ isOpenToMembers: true })
    held.take('b', 4_000)
    const to = elsewhere(3)
    const args = new Uint8Array(2_000)
    foreign.take('b', { type: 'cast', to, name: 'add', args, encoded: true })
    foreign.take('b', { type: 'call', to, from, ref: 8, name: 'add', args, encoded: true })
    expect(delivered).toEqual([])
    expect(kernel.counters).toMatchObject({ mailboxDrops: 1, mailboxRefusals: 1, refusedSignals: 0 })
    const failure = expect.objectContaining({ code: 'ERR_MAILBOX_FULL', outcome: 'not-run' })
    expect(answers).toEqual([{ type: 'reply', to: from, ref: 8, result: { ok: false, failure } }])
  })
})
