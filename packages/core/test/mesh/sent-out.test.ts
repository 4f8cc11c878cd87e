import { describe, expect, it } from 'vitest'
import { SentOut, sentOutMax } from '../../src/mesh/sent-out.ts'

const pid = (thread: number, serial: number) => ({ node: 'a', life: 1, thread, serial })

describe('what was sent out', () => {
  it('is known by thread and serial, until the thread is lost', () => {
    const sentOut = new SentOut()
    sentOut.add(pid(2, 7))
    sentOut.add(pid(3, 7))
    expect([sentOut.has(pid(2, 7)), sentOut.has(pid(2, 8)), sentOut.has(pid(4, 7))]).toEqual([true, false, false])
    sentOut.threadLost(2)
    expect([sentOut.has(pid(2, 7)), sentOut.has(pid(3, 7))]).toEqual([false, true])
  })

  it('is forgotten beyond the bound, the first of a thread first', () => {
    const sentOut = new SentOut()
    sentOut.add(pid(3, 1))
    for (let serial = 1; serial <= sentOutMax + 1; serial += 1) sentOut.add(pid(2, serial))
    expect([1, 2, sentOutMax + 1].map((serial) => sentOut.has(pid(2, serial)))).toEqual([false, true, true])
    expect(sentOut.has(pid(3, 1))).toBe(true)
  })
})
