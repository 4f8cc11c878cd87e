import { describe, expect, it } from 'vitest'
import type { Signal } from '../../src/actor/signal.ts'
import { BlockSlice } from '../../src/mesh/block-slice.ts'
import { ParkedSignals } from '../../src/mesh/parked-signals.ts'

const from = { node: 'here', life: 1, thread: 0, serial: 7 }
const stream = (serial: number, node = 'there') => ({ node, life: 1, thread: 0, serial })
const item = (seq: number, serial = 1, node = 'there'): Signal => ({
  type: 'item',
  from,
  to: stream(serial, node),
  seq,
  item: new Uint8Array(),
})
const end = (serial = 1): Signal => ({ type: 'itemsEnd', from, to: stream(serial) })
const message = new BlockSlice(new Uint8Array(1_000), 100, 844)

describe('items that found their way full', () => {
  it('go on in order, with what was sent behind them, as far as there is room', () => {
    const { parked, park, resume } = world()
    expect(parked.isBehind(end())).toBe(false)
    for (const signal of [item(0), item(0, 2), item(1), end()]) expect(park(signal)).toBe(true)
    expect([end(1), end(2), end(3)].map((signal) => parked.isBehind(signal))).toEqual([true, true, false])
    expect(resume(2)).toEqual([item(0), item(0, 2)])
    expect([end(1), end(2)].map((signal) => parked.isBehind(signal))).toEqual([true, false])
    expect(resume(9)).toEqual([item(1), end()])
    expect(parked.isBehind(end())).toBe(false)
    expect(resume(9)).toEqual([])
  })

  it('are no more than may be for a peer, and with what waits behind them no more than twice that', () => {
    const { park } = world()
    for (const seq of [0, 1, 2, 3]) expect(park(item(seq))).toBe(true)
    expect(park(item(4))).toBe(false)
    expect([1, 2, 3, 4, 5].map(() => park(end()))).toEqual([true, true, true, true, false])
    expect(park(item(0, 1, 'elsewhere'))).toBe(true)
  })

  it('leave room for as many as have gone on', () => {
    const { park, resume } = world()
    for (const seq of [0, 1, 2, 3]) park(item(seq))
    resume(2)
    expect([4, 5, 6].map((seq) => park(item(seq)))).toEqual([true, true, false])
  })

  it('are not those of the next link, which are parked while the last one of this goes on', () => {
    const { parked, park } = world()
    park(item(0))
    parked.resume('there', () => {
      if (parked.drop('there') === 0) return false
      park(item(1))
      return true
    })
    expect(parked.drop('there')).toBe(1)
  })

  it('wait without the block that others stand in too', () => {
    const { parked, park } = world()
    park(item(0))
    const blocks: number[] = []
    parked.resume('there', (one) => blocks.push((one.message as BlockSlice).block.buffer.byteLength) > 0)
    expect(blocks).toEqual([744])
  })

  it('are lost with the link of their peer, also while they go on', () => {
    const { parked, park } = world()
    for (const seq of [0, 1, 2]) park(item(seq))
    park(item(0, 1, 'elsewhere'))
    let sent = 0
    parked.resume('there', () => {
      sent += 1
      expect(parked.drop('there')).toBe(3)
      return true
    })
    expect(sent).toBe(1)
    expect(parked.drop('there')).toBe(0)
    expect(parked.drop('elsewhere')).toBe(1)
  })
})

/** With room for four. */
function world() {
  const parked = new ParkedSignals(4_000)
  const park = (signal: Signal): boolean => parked.park({ signal, message })
  const resume = (room: number): Signal[] => {
    const sent: Signal[] = []
    parked.resume('there', ({ signal }) => {
      if (sent.length === room) return false
      sent.push(signal)
      return true
    })
    return sent
  }
  return { parked, park, resume }
}
