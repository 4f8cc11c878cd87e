import { virtualClock } from '@skerry/testing'
import { describe, expect, it } from 'vitest'
import { BulkSender } from '../../src/mesh/bulk-sender.ts'
import { LaneWriter } from '../../src/mesh/lane-writer.ts'
import { SplitMessage } from '../../src/mesh/split-message.ts'
import type { RawLane } from '../../src/mesh/transport.ts'

const partBytes = 1_000
const giveWayMs = 1

/** A sender on a lane that takes everything, and the parts that left on it. */
function world() {
  const clock = virtualClock()
  let parts = 0
  const lane: RawLane = {
    send: () => {
      parts += 1
      return true
    },
    onDrain() {},
    onFrame() {},
    pause() {},
    resume() {},
  }
  const sender = new BulkSender({
    lane: new LaneWriter(lane, 1_000_000),
    partBytes,
    queueBytesMax: 1_000_000,
    openMax: 10,
    heldBytesMax: 1_000_000,
    orderKey: () => '',
    clock,
    giveWayMs,
  })
  sender.underWayBytesMax = 1_000_000
  const take = (count: number): void => {
    const head = new Uint8Array(1)
    sender.take(new SplitMessage(head, new Uint8Array(count * partBytes)), head)
  }
  return { clock, sender, take, left: () => parts }
}

describe('a large frame', () => {
  it('leaves as fast as the lane takes it where no small frame passes', () => {
    const { take, left } = world()
    take(20)
    expect(left()).toBe(20)
  })

  it('gives way to small frames: a part at a time while they pass, and no longer', async () => {
    const { clock, sender, take, left } = world()
    sender.smallPassed()
    take(20)
    expect(left()).toBe(1)
    sender.pump()
    expect(left()).toBe(1)
    for (let sent = 2; sent <= 10; sent += 1) {
      sender.smallPassed()
      await clock.advance(giveWayMs)
      expect(left()).toBe(sent)
    }
    // The last one found none, so all that is left goes.
    await clock.advance(giveWayMs)
    expect(left()).toBe(20)
  })

  it('does not go on when the link is over', async () => {
    const { clock, sender, take, left } = world()
    sender.smallPassed()
    take(3)
    sender.drop()
    await clock.advance(10)
    expect(left()).toBe(1)
  })
})
