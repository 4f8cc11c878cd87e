import { manualPlatform } from '@skerry/testing'
import { describe, expect, it } from 'vitest'
import type { Attachment } from '../../src/actor/attachments.ts'
import type { Kernel } from '../../src/actor/kernel.ts'
import type { RemoteOwner } from '../../src/actor/remote-verbs.ts'
import { TableListeners } from '../../src/rpc/table-listeners.ts'
import { waitForTable } from '../../src/rpc/table-wait.ts'

/** A wait for `isThere`, and all that it holds on to. */
function startWait() {
  const platform = manualPlatform()
  const listeners = new TableListeners()
  const held = new Set<Attachment>()
  const owner = {
    alive: true,
    attach: (one: Attachment) => held.add(one),
    detach: (one: Attachment) => held.delete(one),
  }
  const state = { isThere: false, asked: 0 }
  const condition = (): boolean => {
    state.asked += 1
    return state.isThere
  }
  const outcomes: string[] = []
  const wait = { condition, what: 'a node', timeoutMs: 1_000, regions: () => ['syd'] }
  waitForTable({ platform } as unknown as Kernel, listeners, { ...wait, owner: owner as unknown as RemoteOwner }).then(
    () => outcomes.push('there'),
    (error: { code: string }) => outcomes.push(error.code),
  )
  return { platform, listeners, held, owner, state, outcomes }
}

describe('a wait for the region table', () => {
  it('is over when the table says so, and asks no more', async () => {
    const { platform, listeners, held, state, outcomes } = startWait()
    listeners.written()
    await platform.settle()
    expect(outcomes).toEqual([])
    state.isThere = true
    listeners.written()
    await platform.settle()
    expect([outcomes, held.size, state.asked]).toEqual([['there'], 0, 3])
    listeners.written()
    await platform.advance(1_000)
    expect([outcomes, state.asked]).toEqual([['there'], 3])
  })

  it('is over after its time', async () => {
    const { platform, listeners, held, state, outcomes } = startWait()
    await platform.advance(999)
    expect(outcomes).toEqual([])
    await platform.advance(1)
    listeners.written()
    expect([outcomes, held.size, state.asked]).toEqual([['ERR_REGION_TIMEOUT'], 0, 1])
  })

  it('is rejected by whatever its condition throws, also nothing', async () => {
    const platform = manualPlatform()
    const listeners = new TableListeners()
    const owner = { alive: true, attach() {}, detach() {} } as unknown as RemoteOwner
    let isBroken = false
    const condition = (): boolean => {
      // eslint-disable-next-line typescript/only-throw-error -- what an app may throw
      if (isBroken) throw undefined
      return false
    }
    const wait = { owner, condition, what: 'a node', timeoutMs: 1_000, regions: () => [] }
    const outcome = waitForTable({ platform } as unknown as Kernel, listeners, wait).then(
      () => 'there',
      (thrown: unknown) => ({ thrown }),
    )
    isBroken = true
    listeners.written()
    expect(await outcome).toEqual({ thrown: undefined })
  })

  it('of an actor that ended never settles', async () => {
    const { platform, listeners, held, owner, state, outcomes } = startWait()
    owner.alive = false
    for (const attached of held) attached.ownerExited('normal')
    listeners.written()
    await platform.advance(1_000)
    expect([outcomes, held.size, state.asked]).toEqual([[], 0, 1])
  })
})
