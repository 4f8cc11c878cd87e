import { expect, it } from 'vitest'
import { Watchers } from '../../src/actor/watchers.ts'

const pid = (serial: number, node = 'here') => ({ node, life: 1, thread: 0, serial })

it('those who watch are there in their order until they are taken out, few and many', () => {
  for (const count of [5, 200]) {
    const watchers = new Watchers()
    for (let at = 0; at < count; at += 1) watchers.add({ pid: pid(at), ref: 1 })
    expect([...watchers.all()].map((one) => one.pid.serial)).toEqual(Array.from({ length: count }, (_, at) => at))
    expect([watchers.remove(1, pid(3)), watchers.remove(1, pid(3)), watchers.remove(2, pid(4))]).toEqual([
      true,
      false,
      false,
    ])
    expect([...watchers.all()].map((one) => one.pid.serial)).not.toContain(3)
    expect([...watchers.all()]).toHaveLength(count - 1)
  }
})

it('nodes that number alike are told apart, and go apart', () => {
  const watchers = new Watchers()
  for (let at = 0; at < 100; at += 1) for (const node of ['a', 'b']) watchers.add({ pid: pid(at, node), ref: 7 })
  expect(watchers.remove(7, pid(50, 'b'))).toBe(true)
  expect([...watchers.all()].filter((one) => one.pid.serial === 50)).toEqual([{ pid: pid(50, 'a'), ref: 7 }])
  watchers.removeWhere((one) => one.pid.node === 'a')
  expect([...watchers.all()]).toHaveLength(99)
  expect(watchers.remove(7, pid(49, 'b'))).toBe(true)
})
