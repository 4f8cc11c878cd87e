import { describe, expect, it } from 'vitest'
import { actorName, formatPid, isPid, parsePid, type Pid, samePid } from '../../src/actor/pid.ts'

const pid: Pid = { node: 'a', life: 7, thread: 0, serial: 12 }

describe('a Pid', () => {
  it('is the same after a copy', () => {
    expect(samePid(pid, structuredClone(pid))).toBe(true)
  })

  it('is another one when any of its parts differs', () => {
    for (const change of [{ node: 'b' }, { life: 8 }, { thread: 1 }, { serial: 13 }]) {
      expect(samePid(pid, { ...pid, ...change })).toBe(false)
    }
  })

  it('reads back what it printed, whatever its node is called', () => {
    for (const node of ['a', '12D3KooW', 'a/b', '<x>', '1/2/3/4', 'köln 1']) {
      const printed = formatPid({ ...pid, node, life: 1_753_000_000_000 * 1_024 })
      expect(parsePid(printed)).toEqual({ ...pid, node, life: 1_753_000_000_000 * 1_024 })
    }
  })

  it('prints differently for every two Pids that differ', () => {
    expect(formatPid({ node: 'a', life: 1, thread: 2, serial: 3 })).toBe('<a/1/2/3>')
    expect(formatPid({ node: 'a/1', life: 1, thread: 2, serial: 3 })).toBe('<a/1/1/2/3>')
  })

  it('is not read from anything else', () => {
    for (const text of ['', '<a/1/2>', '<a/1/2/x>', 'a/1/2/3', '</1/2/3>', '<a/1/2/-3>', '<a/1/2/3> ', '<a/01/2/3>']) {
      expect(parsePid(text)).toBeUndefined()
    }
    expect(parsePid(`<a/1/2/${'9'.repeat(400)}>`)).toBeUndefined()
  })

  it('is known by its parts', () => {
    expect(isPid(pid)).toBe(true)
    for (const other of [
      null,
      'pid',
      {},
      { ...pid, serial: '12' },
      { node: 'a', life: 7, thread: 0 },
      actorName('a'),
    ]) {
      expect(isPid(other)).toBe(false)
    }
  })
})
