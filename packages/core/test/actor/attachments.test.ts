import { describe, expect, it } from 'vitest'
import { type Attachment, Attachments } from '../../src/actor/attachments.ts'

function told(): { attachment: Attachment; reasons: unknown[] } {
  const reasons: unknown[] = []
  return { attachment: { ownerExited: (reason) => reasons.push(reason) }, reasons }
}

describe('attachments', () => {
  it('tells each that is there once, and none that was taken away', () => {
    const attachments = new Attachments()
    const [first, second, third] = [told(), told(), told()] as const
    for (const { attachment } of [first, second, third]) attachments.add(attachment)
    attachments.add(second.attachment)
    expect(attachments.delete(first.attachment)).toBe(true)
    expect(attachments.delete(first.attachment)).toBe(false)
    expect(attachments.size).toBe(2)
    attachments.ownerExited('over')
    expect([first.reasons, second.reasons, third.reasons]).toEqual([[], ['over'], ['over']])
  })

  it('is told also when those before it leave as they are told', () => {
    const attachments = new Attachments()
    const last = told()
    const leaving: Attachment = { ownerExited: () => attachments.delete(leaving) }
    attachments.add(leaving)
    attachments.add(last.attachment)
    attachments.ownerExited('over')
    expect(last.reasons).toEqual(['over'])
    expect(attachments.size).toBe(1)
  })

  it('does not take what another has for its own', () => {
    const [one, other] = [new Attachments(), new Attachments()]
    const { attachment } = told()
    one.add(attachment)
    other.add(told().attachment)
    expect(other.delete(attachment)).toBe(false)
    expect(one.size).toBe(1)
  })
})
