import { describe, expect, it } from 'vitest'
import type { RemoteWork } from '../../src/actor/thread-starter.ts'
import { streamProcedure } from '../../src/rpc/stream-procedure.ts'
import { ClientWorld, write } from './client-world.ts'

const bytes = streamProcedure({
  ...write,
  async *run(_ctx, count: number) {
    yield new Uint8Array(count)
  },
})

describe('the process of a stream', () => {
  it.each([
    ['ERR_FRAME_TOO_LARGE', 'ran', 'too-large', 10],
    // More than may be parked for a node.
    ['ERR_OVERLOADED', 'ran', 'overloaded', 33 * 1024 * 1024],
  ] as const)('ends with an item that can not be sent (%s), as %s', async (code, outcome, result, size) => {
    const world = new ClientWorld()
    const { platform, kernel, sent } = world
    const call = { node: 'l1', life: 1, thread: 0, serial: 5 }
    const stream = { items: 256, bytes: 1 << 20, silentMs: 15_000, hasIncoming: false }
    const input = kernel.codec.encode(size)
    const request = { procedure: 'write', version: 1, timeLeftMs: 5_000, idempotencyKey: undefined, callerRegion: '' }
    const work: RemoteWork = { call, caller: 'l1', arrivedMs: 0, request: { ...request, input, stream } }
    world.sends = ({ type }) => (type === 'item' ? result : 'sent')
    kernel.spawn(bytes.behavior, [work])
    await platform.settle()
    expect(sent).toMatchObject([
      { type: 'credit' },
      { type: 'reply', to: call, result: { failure: { code, outcome } } },
    ])
  })

  it('lets others have their turns, however much credit it was given', async () => {
    const world = new ClientWorld()
    const { platform, kernel, sent } = world
    let made = 0
    const madeAtTurns: number[] = []
    const waitForTurn = (): void =>
      platform.turns.enqueue({
        runTurn() {
          madeAtTurns.push(made)
          if (made < 5_000) waitForTurn()
        },
      })
    const many = streamProcedure({
      ...write,
      async *run() {
        waitForTurn()
        for (; made < 5_000; made += 1) yield made
      },
    })
    const call = { node: 'l1', life: 1, thread: 0, serial: 5 }
    const stream = { items: 65_536, bytes: 1 << 26, silentMs: 15_000, hasIncoming: false }
    const input = kernel.codec.encode(undefined)
    const request = { procedure: 'write', version: 1, timeLeftMs: 5_000, idempotencyKey: undefined, callerRegion: '' }
    kernel.spawn(many.behavior, [{ call, caller: 'l1', arrivedMs: 0, request: { ...request, input, stream } }])
    await platform.settle()
    expect(sent.filter(({ type }) => type === 'item')).toHaveLength(5_000)
    const inOneGo = madeAtTurns.map((count, at) => count - (madeAtTurns[at - 1] ?? 0))
    expect(Math.max(...inOneGo)).toBeLessThanOrEqual(65)
  })
})
