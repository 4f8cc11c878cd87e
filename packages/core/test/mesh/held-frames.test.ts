import { describe, expect, it } from 'vitest'
import { everyOrder, HeldFrames } from '../../src/mesh/held-frames.ts'

function heldFrames() {
  const log: string[] = []
  const held = new HeldFrames(
    (frame) => log.push(new TextDecoder().decode(frame)),
    (large) => log.push(`done ${large}`),
  )
  return { held, log, hold: (key: string, text: string) => held.hold(key, bytesOf(text)) }
}

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text)

describe('frames behind a large one', () => {
  it('with its key wait for it, and follow it in order', () => {
    const { held, log, hold } = heldFrames()
    held.announce(0, 'a')
    expect([hold('a', 'first'), hold('a', 'second')]).toEqual([true, true])
    expect(log).toEqual([])
    held.complete(0, bytesOf('large'))
    expect(log).toEqual(['large', 'done 0', 'first', 'second'])
    expect([held.open, held.bytes]).toEqual([0, 0])
    expect(hold('a', 'third')).toBe(false)
  })

  it('with another key pass', () => {
    const { held, hold } = heldFrames()
    held.announce(0, 'a')
    expect(hold('b', 'passes')).toBe(false)
    expect(held.bytes).toBe(0)
  })

  it('wait for every large one before them, also when the later is whole first', () => {
    const { held, log, hold } = heldFrames()
    held.announce(0, 'a')
    hold('a', 'between')
    held.announce(1, 'a')
    hold('a', 'last')
    held.complete(1, bytesOf('second large'))
    expect(log).toEqual([])
    held.complete(0, bytesOf('large'))
    expect(log).toEqual(['large', 'done 0', 'between', 'second large', 'done 1', 'last'])
  })

  it('that must overtake nobody wait for all large ones that were before them, and for no later one', () => {
    const { held, log, hold } = heldFrames()
    expect(hold(everyOrder, 'at once')).toBe(false)
    held.announce(0, 'a')
    held.announce(1, 'b')
    expect(hold(everyOrder, 'barrier')).toBe(true)
    held.announce(2, 'c')
    held.complete(1, bytesOf('b large'))
    expect(log).toEqual(['b large', 'done 1'])
    held.complete(0, bytesOf('a large'))
    expect(log.slice(2)).toEqual(['a large', 'done 0', 'barrier'])
    expect(held.bytes).toBe(0)
  })

  it('that must overtake nobody come behind the small ones too that waited before them', () => {
    const { held, log, hold } = heldFrames()
    held.announce(0, 'a')
    hold('a', 'small')
    hold(everyOrder, 'barrier')
    held.announce(1, 'a')
    hold('a', 'later')
    held.complete(1, bytesOf('second large'))
    held.complete(0, bytesOf('large'))
    expect(log).toEqual(['large', 'done 0', 'small', 'barrier', 'second large', 'done 1', 'later'])
  })

  it('go no further when the link ends while one is handed on', () => {
    const log: string[] = []
    const held = new HeldFrames(
      (frame) => {
        log.push(new TextDecoder().decode(frame))
        held.drop()
      },
      () => undefined,
    )
    held.announce(0, 'a')
    held.hold('a', bytesOf('after'))
    held.complete(0, bytesOf('large'))
    expect(log).toEqual(['large'])
    expect([held.open, held.bytes]).toEqual([0, 0])
  })
})
