import { describe, expect, it } from 'vitest'
import { streamLimits } from '../../src/actor/stream-limits.ts'
import { CreditAccount } from '../../src/base/credit-account.ts'
import { GivenCredit, SendCredit, type StreamWindow, windowNow } from '../../src/rpc/stream-window.ts'

const most: StreamWindow = { items: 4, bytes: 4_000 }
/** What an unread item, or the credit for one, counts beside its bytes. */
const itemCost = 256

describe('what one end of a stream may send', () => {
  it('is nothing without credit for an item and for a byte; with both, an item of any size', () => {
    const credit = new SendCredit()
    expect(credit.isOpen).toBe(false)
    credit.grant({ items: 2, bytes: 10 })
    credit.take(10)
    // An item is left, and no byte.
    expect(credit.isOpen).toBe(false)
    credit.grant({ items: 0, bytes: 1 })
    expect(credit.isOpen).toBe(true)
    credit.take(1_000)
    expect(credit.isOpen).toBe(false)
    credit.grant({ items: 0, bytes: 5_000 })
    // Bytes are left, and no item.
    expect(credit.isOpen).toBe(false)
  })

  it('is at most the largest window: whoever gives more is wrong', () => {
    const { windowItems, windowBytes } = streamLimits
    expect(new SendCredit().grant({ items: windowItems.most, bytes: windowBytes.most })).toBe(true)
    expect(new SendCredit().grant({ items: windowItems.most + 1, bytes: 1 })).toBe(false)
    expect(new SendCredit().grant({ items: 1, bytes: windowBytes.most + 1 })).toBe(false)
    const credit = new SendCredit()
    credit.grant({ items: windowItems.most, bytes: 1 })
    expect(credit.grant({ items: 1, bytes: 1 })).toBe(false)
  })
})

describe('what the other end was given', () => {
  it('lets no item in without credit for an item, or for a byte', () => {
    const { given } = open()
    for (let item = 0; item < most.items; item += 1) expect(given.arrived(1)).toBe('fine')
    expect(given.arrived(1)).toBe('uncredited')
    const other = open().given
    expect(other.arrived(most.bytes)).toBe('fine')
    expect(other.arrived(1)).toBe('uncredited')
  })

  it('lets an item in that is larger than its credit, unless all together are then more than may be held', () => {
    const { account, given } = open({ max: 20_000, overMax: 1_000 })
    expect(given.arrived(15_000)).toBe('fine')
    expect(account.charged).toBe(4 * itemCost + 15_000)
    // Of another stream, which has its whole window left and brings as much as that.
    const other = new GivenCredit(most, account, () => undefined)
    other.gave({ items: 1, bytes: 100 })
    expect(other.arrived(100)).toBe('fine')
    const third = new GivenCredit(most, account, () => undefined)
    third.gave({ items: 1, bytes: 100 })
    expect(third.arrived(5_000)).toBe('overloaded')
  })

  it('within it lets all in, however full it is: that was counted when it was given', () => {
    const { account, given } = open({ max: 20_000, overMax: 1_000 })
    account.charge(100_000)
    expect(given.arrived(most.bytes)).toBe('fine')
  })

  it('is given again when half of it was read, of items or of bytes, and never beyond the window', () => {
    const { given } = open()
    for (let item = 0; item < 3; item += 1) given.arrived(10)
    expect([given.read(10), given.read(10)]).toEqual([undefined, { items: 2, bytes: 20 }])
    const large = open().given
    for (let item = 0; item < 2; item += 1) large.arrived(1_500)
    // What came and was not read is no room.
    expect([large.read(1_500), large.read(1_500)]).toEqual([undefined, { items: 2, bytes: 3_000 }])
  })

  it('counts with what was not read until it is read, also after the end, and not at all once nobody will', () => {
    const { account, given } = open()
    expect(account.charged).toBe(4 * itemCost + most.bytes)
    given.arrived(100)
    given.arrived(200)
    expect(account.charged).toBe(4 * itemCost + most.bytes)
    given.stop()
    expect(account.charged).toBe(2 * itemCost + 300)
    expect(given.read(100)).toBeUndefined()
    expect(account.charged).toBe(itemCost + 200)
    given.close()
    expect(account.charged).toBe(0)
    // It may be read once more, from what its reader holds.
    given.read(200)
    given.close()
    expect(account.charged).toBe(0)
  })

  it('of all streams of an account is over when each of them is closed, once', () => {
    let emptied = 0
    const account = new CreditAccount(1_000_000, 0, () => (emptied += 1))
    const [one, other] = [0, 1].map(() => new GivenCredit(most, account, () => undefined))
    one?.first()
    for (const closed of [one, one]) closed?.close()
    expect(emptied).toBe(0)
    other?.close()
    expect(emptied).toBe(1)
  })

  it('is less while others hold much, and grows when they hold less, though nothing is read; once that it is whole it is told no more', () => {
    const account = new CreditAccount(20_000, 1_000)
    account.charge(19_000)
    const grants: StreamWindow[] = []
    const given = new GivenCredit(most, account, (grant) => grants.push(grant))
    expect(given.first()).toEqual({ items: 1, bytes: 1_024 })
    account.charge(-19_000)
    expect(grants).toEqual([{ items: 3, bytes: 2_976 }])
    for (let round = 0; round < 3; round += 1) {
      given.arrived(1_500)
      account.charge(-1)
    }
    expect(grants).toHaveLength(1)
  })

  it('waits for more where only its bytes are fewer than they could be', () => {
    const account = new CreditAccount(200_000, 1_000)
    account.charge(100_000)
    const grants: StreamWindow[] = []
    const given = new GivenCredit({ items: 1, bytes: 100_000 }, account, (grant) => grants.push(grant))
    const first = given.first()
    expect([first.items, first.bytes < 100_000]).toEqual([1, true])
    account.charge(-100_000)
    expect(grants).toEqual([{ items: 0, bytes: 100_000 - first.bytes }])
  })

  it('is the least there is from seven eighths of the account on', () => {
    const windowAt = (charged: number): StreamWindow => {
      const account = new CreditAccount(8_000_000, 0)
      account.charge(charged)
      return windowNow({ items: 1_000, bytes: 1_000_000 }, account)
    }
    expect(windowAt(7_000_000)).toEqual({ items: 1, bytes: 1_024 })
    expect(windowAt(6_999_999)).toEqual({ items: 62, bytes: 62_500 })
    expect(windowAt(3_999_999)).toEqual({ items: 1_000, bytes: 1_000_000 })
  })
})

function open({ max = 1_000_000, overMax = 1_000_000 } = {}): { account: CreditAccount; given: GivenCredit } {
  const account = new CreditAccount(max, overMax)
  const given = new GivenCredit(most, account, () => undefined)
  expect(given.first()).toEqual(most)
  return { account, given }
}
