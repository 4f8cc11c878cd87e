import { describe, expect, it } from 'vitest'
import { errorData } from '../../src/base/error-data.ts'
import { ActorError } from '../../src/actor/errors.ts'
import { ThreadNames } from '../../src/thread/thread-names.ts'

const pid = (serial: number) => ({ node: 'a', life: 1, thread: 2, serial })
const request = (ref: number, serial: number) => ({ ref, name: `n${ref}`, pid: pid(serial), partitions: undefined })

function start() {
  const sent: unknown[] = []
  return { sent, names: new ThreadNames((message) => sent.push(message)) }
}

describe('a name that an actor of another thread than main wants', () => {
  it('is asked of main, and each is answered for itself, whatever the order', async () => {
    const { sent, names } = start()
    const answers = [names.ask(request(1, 3), true), names.ask(request(2, 5), true)]
    expect(sent).toEqual([
      { type: 'register', ...request(1, 3) },
      { type: 'register', ...request(2, 5) },
    ])
    names.answered(2, undefined)
    names.answered(1, errorData(new ActorError('ERR_NAME_TAKEN', 'Somebody has it')))
    const [first, second] = await Promise.allSettled(answers)
    expect(first).toMatchObject({ status: 'rejected', reason: { code: 'ERR_NAME_TAKEN' } })
    expect(second).toMatchObject({ status: 'fulfilled' })
  })

  it('that nobody asked for is no harm when it is answered', () => {
    const { names } = start()
    expect(() => names.answered(9, undefined)).not.toThrow()
  })
})

describe('the end of an actor', () => {
  it('is for main to hear, once, if it was started with a name or asked for one, whatever the answer', async () => {
    const { names } = start()
    names.placed(1)
    const refused = names.ask(request(1, 3), true)
    names.answered(1, errorData(new ActorError('ERR_NAME_TAKEN', 'Somebody has it')))
    await expect(refused).rejects.toMatchObject({ code: 'ERR_NAME_TAKEN' })
    expect([names.ended(pid(1)), names.ended(pid(3)), names.ended(pid(5))]).toEqual([true, true, false])
    expect([names.ended(pid(1)), names.ended(pid(3))]).toEqual([false, false])
  })

  it('is not for main to hear when it asked for the name of an actor elsewhere', () => {
    const { names } = start()
    void names.ask({ ...request(1, 3), pid: { ...pid(3), thread: 0 } }, false)
    expect(names.ended(pid(3))).toBe(false)
  })
})
