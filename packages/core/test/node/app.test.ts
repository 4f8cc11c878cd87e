import { actorName, type Behavior, defineApp, procedure } from '@skerry/core'
import { describe, expect, it } from 'vitest'
import { startManualNode } from '../fixtures/manual-node.ts'

const run = (): number => 1
const many = (count: number, chars: number) =>
  Array.from({ length: count }, (_, n) => procedure({ name: String(n).padEnd(chars, 'x'), run }))
const define = (procedures: ReturnType<typeof many>, version = ''): unknown =>
  defineApp({ name: 'large', version, children: [], procedures })
const refused = (message: RegExp): Error =>
  expect.objectContaining({ code: 'ERR_BAD_SPEC', message: expect.stringMatching(message) as string }) as Error

describe('an app that says more than a node can announce', () => {
  it('is refused where it is defined, and not when its node is up', () => {
    expect(() => define(many(1_024, 4))).not.toThrow()
    expect(() => define(many(1_025, 4))).toThrow(refused(/1025 procedures, at most 1024/))
    expect(() => define(many(500, 90))).not.toThrow()
    expect(() => define(many(1_000, 90))).toThrow(refused(/take \d+ bytes.*room for \d+/))
    expect(() => define(many(1, 10).map((one) => ({ ...one, name: 'ü'.repeat(200) })))).toThrow(refused(/400 bytes/))
    const compatible = Array.from({ length: 65 }, (_, n) => n + 1)
    expect(() => define([procedure({ name: 'old', compatible, run })])).toThrow(refused(/65 compatible versions/))
    expect(() => define([], '漢'.repeat(100))).toThrow(refused(/300 bytes/))
  })
})

describe('an actor whose process can not be made', () => {
  it('leaves its name free, and no address', async () => {
    const { node, settled } = await startManualNode()
    const name = actorName('unmade')
    const unmade: Behavior = {
      name: 'unmade',
      module: undefined,
      trapExit: false,
      mailboxLimit: 1,
      createProcess: () => {
        throw new RangeError('not today')
      },
    }
    const actors = async (): Promise<unknown> => (await settled(node.threads()))[0]?.stats?.actors
    const before = await actors()
    for (let round = 0; round < 2; round += 1) {
      await expect(settled(node.start(unmade, [], { register: name }))).rejects.toThrow('not today')
    }
    expect(node.whereis(name)).toBeUndefined()
    expect(await actors()).toBe(before)
  })
})
