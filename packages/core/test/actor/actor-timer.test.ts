import { virtualClock } from '@skerry/testing'
import { describe, expect, it } from 'vitest'
import { ActorTimer } from '../../src/actor/actor-timer.ts'
import { type Attachment, Attachments } from '../../src/actor/attachments.ts'

function start() {
  const clock = virtualClock()
  const attachments = new Attachments()
  const actor = {
    attach: (attachment: Attachment) => attachments.add(attachment),
    detach: (attachment: Attachment) => void attachments.delete(attachment),
  }
  const ran: number[] = []
  const timer = new ActorTimer(actor, clock, 100, () => ran.push(attachments.size))
  return { clock, attachments, ran, timer }
}

describe('a timer of an actor', () => {
  it('runs once its time has come, and is no longer the actor’s by then', async () => {
    const { clock, attachments, ran } = start()
    expect(attachments.size).toBe(1)
    await clock.advance(99)
    expect(ran).toEqual([])
    await clock.advance(1_000)
    expect(ran).toEqual([0])
  })

  it('does not run once it was cancelled, and is the actor’s no longer', async () => {
    const { clock, attachments, ran, timer } = start()
    timer.cancel()
    expect(attachments.size).toBe(0)
    await clock.advance(1_000)
    timer.cancel()
    expect(ran).toEqual([])
  })

  it('ends with its actor', async () => {
    const { clock, attachments, ran } = start()
    attachments.ownerExited('over')
    await clock.advance(1_000)
    expect(ran).toEqual([])
  })
})
