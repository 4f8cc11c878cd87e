import { describe, expect, it } from 'vitest'
import { type Letter, Mailbox, type Notice, type Request } from '../../src/actor/mailbox.ts'
import type { Pid } from '../../src/actor/pid.ts'

const pid: Pid = { node: 'a', life: 1, thread: 0, serial: 1 }
const message = (body: unknown): Letter => ({ type: 'message', to: pid, message: body, encoded: false })
const cast: Letter = { type: 'cast', to: pid, name: 'reset', args: [], encoded: false }
const request: Request = { type: 'request', name: 'read', args: [], encoded: false, replier: { reply() {}, fail() {} } }
const exit: Notice = { type: 'EXIT', from: pid, reason: 'normal' }
const down: Notice = { type: 'DOWN', ref: 1, pid, reason: 'normal' }

function put(mailbox: Mailbox, envelope: Letter | Notice): void {
  if (envelope.type === 'message' || envelope.type === 'cast' || envelope.type === 'request') {
    expect(mailbox.push(envelope)).toBe(true)
  } else {
    mailbox.pushNotice(envelope)
  }
}

describe('a mailbox', () => {
  it('keeps the order of arrival over all kinds', () => {
    const mailbox = new Mailbox(10)
    const sent = [message(1), down, request, cast, exit, message(2)]
    for (const envelope of sent) put(mailbox, envelope)
    expect(mailbox.length).toBe(6)
    expect(sent.map(() => mailbox.shift())).toEqual(sent)
    expect(mailbox.shift()).toBeUndefined()
  })

  it('refuses messages, casts and calls at its limit', () => {
    const mailbox = new Mailbox(2)
    mailbox.push(message(1))
    mailbox.push(cast)
    for (const envelope of [message(2), cast, request]) expect(mailbox.push(envelope)).toBe(false)
    expect(mailbox.drain()).toEqual([message(1), cast])
  })

  it('always takes EXIT and DOWN, which need no room and make none', () => {
    const mailbox = new Mailbox(1)
    for (const notice of [exit, down, exit]) mailbox.pushNotice(notice)
    expect(mailbox.push(message(1))).toBe(true)
    expect(mailbox.push(message(2))).toBe(false)
    mailbox.pushNotice(down)
    expect(mailbox.shift()).toBe(exit)
    expect(mailbox.push(message(2))).toBe(false)
    expect(mailbox.length).toBe(4)
  })

  it('has room again for each one that is taken out', () => {
    const mailbox = new Mailbox(1)
    mailbox.push(message(1))
    mailbox.shift()
    expect(mailbox.push(request)).toBe(true)
    expect(mailbox.push(message(2))).toBe(false)
  })

  it('has all its room again when it was drained', () => {
    const mailbox = new Mailbox(2)
    for (const envelope of [message(1), exit, message(2)]) put(mailbox, envelope)
    expect(mailbox.drain()).toEqual([message(1), exit, message(2)])
    expect(mailbox.length).toBe(0)
    expect([mailbox.push(cast), mailbox.push(cast), mailbox.push(cast)]).toEqual([true, true, false])
  })

  it('gives back what came last where it rejects, the oldest that counts where it drops that', () => {
    const [rejecting, dropping] = [new Mailbox(2), new Mailbox(2, 'dropOldest')]
    for (const mailbox of [rejecting, dropping]) {
      for (const envelope of [exit, down, message(1), cast]) put(mailbox, envelope)
      expect(mailbox.push(request)).toBe(false)
    }
    expect(rejecting.displace(request)).toBe(request)
    expect(rejecting.drain()).toEqual([exit, down, message(1), cast])
    expect(dropping.displace(request)).toEqual(message(1))
    expect(dropping.push(cast)).toBe(false)
    expect(dropping.drain()).toEqual([exit, down, cast, request])
  })

  it('has room for as many letters as before, when a DOWN was taken out of it', () => {
    const mailbox = new Mailbox(2)
    for (const envelope of [message(1), down, exit]) put(mailbox, envelope)
    mailbox.removeDown(1)
    expect([mailbox.push(cast), mailbox.push(cast)]).toEqual([true, false])
    expect(mailbox.drain()).toEqual([message(1), exit, cast])
  })
})
