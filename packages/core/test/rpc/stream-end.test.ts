import { describe, expect, it } from 'vitest'
import type { Runtime } from '../../src/actor/behavior.ts'
import type { Pid } from '../../src/actor/pid.ts'
import type { Failure, Signal, StreamSignal } from '../../src/actor/signal.ts'
import { CreditAccount } from '../../src/base/credit-account.ts'
import { StreamEnd } from '../../src/rpc/stream-end.ts'

const window = { items: 4, bytes: 4_000 }
const [self, other, stranger] = [1, 2, 3].map((serial) => ({ node: 'a', life: 1, thread: 0, serial })) as [
  Pid,
  Pid,
  Pid,
]

describe('an end of a stream that reads', () => {
  it('gives what came, and credit for it; one item that is missing breaks it', async () => {
    const { end, sent, failures } = reading()
    end.take(item(0, 10))
    end.take(item(1, 10))
    expect([await end.read(), await end.read()].map((one) => one?.byteLength)).toEqual([10, 10])
    expect(sent).toMatchObject([{ type: 'credit', items: 2, bytes: 20 }])
    end.take(item(3, 10))
    expect(failures).toMatchObject([{ code: 'ERR_NOT_DECODABLE', outcome: 'unknown' }])
  })

  it('hears nobody but the other end', () => {
    const { end, counters, failures } = reading()
    end.take({ ...item(0, 10), from: stranger })
    expect([counters.refusedSignals, failures]).toEqual([1, []])
  })

  it('counts what comes when it reads no more, or is closed, and gives no credit for what it reads from then on', async () => {
    const { end, counters, sent, account } = reading()
    for (const seq of [0, 1, 2]) end.take(item(seq, 10))
    end.stopReceiving()
    end.take(item(3, 10))
    expect(counters.lateReplies).toBe(1)
    await end.read()
    await end.read()
    expect(sent).toEqual([])
    expect(account.charged).toBeGreaterThan(0)
    end.close(false)
    end.take(item(4, 10))
    expect([counters.lateReplies, account.charged]).toEqual([2, 0])
    // What had come can still be read.
    expect([await end.read(), await end.read()].map((one) => one?.byteLength)).toEqual([10, undefined])
  })

  it('holds nothing of what it drops', () => {
    const { end, account } = reading()
    const before = account.charged
    for (const seq of [0, 1, 2]) end.take(item(seq, 1_000))
    end.stopReceiving()
    expect([account.charged > 3_000, before > 4_000]).toEqual([true, true])
    end.dropUnread()
    expect(account.charged).toBe(0)
  })

  it('greets with what nobody will use when it reads no more by then, and holds nothing for it', () => {
    const { end, sent, account } = world()
    end.begin(self, other)
    end.stopReceiving()
    end.greet()
    expect([sent, account.charged]).toMatchObject([[{ type: 'credit', ...window }], 0])
  })

  it('of an actor that ended is never told that the items are over', async () => {
    const { end } = reading()
    let told = false
    end.abandon()
    void end.read().then(() => (told = true))
    await Promise.resolve()
    await Promise.resolve()
    expect(told).toBe(false)
  })
})

describe('the signs of life of a stream', () => {
  it('go out at a look before which nothing else did, and one that is missing at four looks is silence', () => {
    const { end, sent, silences, look } = reading()
    look()
    expect(sent).toMatchObject([{ type: 'credit', items: 0, bytes: 0 }])
    for (const seq of [0, 1]) end.take(item(seq, 10))
    void end.read()
    void end.read()
    expect(sent).toHaveLength(2)
    look()
    expect(sent).toHaveLength(2)
    for (let quiet = 0; quiet < 3; quiet += 1) look()
    expect(silences()).toBe(0)
    look()
    expect(silences()).toBe(1)
  })

  it('are not missed by an end that has greeted nobody yet: nobody could give one', () => {
    const { end, silences, look } = world()
    end.begin(self, other)
    for (let quiet = 0; quiet < 10; quiet += 1) look()
    expect(silences()).toBe(0)
  })
})

it('whoever makes the items is told once that they are not wanted any more', () => {
  const { end } = reading()
  let told = 0
  end.onUnwanted = () => (told += 1)
  end.stopSending()
  end.close(false)
  expect(told).toBe(1)
})

function item(seq: number, bytes: number): StreamSignal {
  return { type: 'item', from: other, to: self, seq, item: new Uint8Array(bytes) }
}

/** An end that asked for a stream whose work has begun at `other`. */
function reading() {
  const all = world()
  all.end.gave(window)
  all.end.begin(self)
  all.end.take({ type: 'credit', from: other, to: self, items: 4, bytes: 4_000 })
  return all
}

function world() {
  const sent: Signal[] = []
  const failures: Failure[] = []
  let silent = 0
  const counters = { lateReplies: 0, refusedSignals: 0, streamBreaches: 0 }
  const account = new CreditAccount(1_000_000, 1_000_000)
  const runtime = {
    counters,
    deadlines: { add: () => undefined, remove: () => undefined },
    isLocal: () => true,
    route: (signal: Signal) => void sent.push(signal),
  } as unknown as Runtime
  const end = new StreamEnd({
    runtime,
    window,
    account,
    silentMs: 1_000,
    on: { silent: () => (silent += 1), broken: (failure) => failures.push(failure), itemsEnd: () => undefined },
  })
  return { end, sent, failures, counters, account, silences: () => silent, look: () => end.expire() }
}
