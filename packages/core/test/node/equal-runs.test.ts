import { child, defineApp, genServer, type Node, procedure, startNode } from '@skerry/core'
import { leaveOutStacks } from '@skerry/core/simulation'
import type { RawLane, RawLink, Transport } from '@skerry/core/transport'
import { manualPlatform } from '@skerry/testing'
import { describe, expect, it } from 'vitest'
import { createMemoryTransport } from '../../src/mesh/memory-transport.ts'

const upcase = procedure({
  name: 'string.upcase',
  run: async (ctx, text: string) => {
    await new Promise<void>((resolve) => ctx.clock.after(20, resolve))
    return text.toUpperCase()
  },
})
const fail = procedure({
  name: 'fail',
  run: (): string => {
    throw new RangeError('on purpose')
  },
})
const idle = genServer({ name: 'idle', init: () => undefined })
const app = defineApp({ name: 'equal', procedures: [upcase, fail], children: [child('idle', idle, [])] })

describe('two runs of the same nodes, with the same seeds, on platforms that decide everything,', () => {
  it('send the same bytes, write the same log and end the same', async () => {
    const [first, second] = [await run(), await run()]
    expect(first.frames.length).toBeGreaterThan(100)
    expect(first.results).toContain('TEA 1')
    expect(first.results.join()).toMatch(/ERR_REMOTE_ERROR.*ERR_RPC_TIMEOUT/)
    expect(second).toEqual(first)
  })

  it('send no stack, which would name paths of this machine', async () => {
    const { frames } = await run()
    expect(frames.filter((frame) => Buffer.from(frame, 'hex').includes('    at '))).toEqual([])
  })
})

async function run(): Promise<{ frames: string[]; results: string[]; logs: unknown }> {
  const bringBackStacks = leaveOutStacks()
  try {
    const frames: string[] = []
    const first = manualPlatform({ seed: 1 })
    const platforms = [first, manualPlatform({ seed: 2, beside: first }), manualPlatform({ seed: 3, beside: first })]
    const nodes: Node[] = []
    for (const [index, platform] of platforms.entries()) {
      const options = { hub: 'equal-runs', id: `n${index}` }
      const transport = (): Transport => tapped(createMemoryTransport(options), frames)
      const region = index === 0 ? 'syd' : 'lax'
      const starting = startNode(app, { platform, region, primaryRegion: 'syd', transport })
      await first.settle()
      nodes.push(await starting)
    }
    await first.advance(3_000)
    const results: string[] = []
    for (let number = 0; number < 12; number += 1) {
      const options = { timeoutMs: number % 4 === 3 ? 10 : 1_000 }
      const call = number % 3 === 0 ? fail : upcase
      const node = nodes[number % 3] as Node
      node.rpcRegion(number % 2 === 0 ? 'syd' : 'lax', call, `tea ${number}`, options).then(
        (value) => results.push(value),
        (error: unknown) => results.push(String(error), (error as { code: string }).code),
      )
      await first.advance(37)
    }
    const stopping = Promise.all(nodes.map((node) => node.stop()))
    await first.advance(20_000)
    await stopping
    return { frames, results, logs: platforms.map((platform) => platform.log.entries) }
  } finally {
    bringBackStacks()
  }
}

/** The same transport, with everything that its links send noted in `frames`. */
function tapped(transport: Transport, frames: string[]): Transport {
  const start = transport.start.bind(transport)
  const dial = transport.dial.bind(transport)
  transport.start = (host, platform) =>
    start(
      { accepted: (link) => host.accepted(tappedLink(link, frames)), found: (address) => host.found(address) },
      platform,
    )
  transport.dial = async (...where) => tappedLink(await dial(...where), frames)
  return transport
}

function tappedLink(link: RawLink, frames: string[]): RawLink {
  const tapped = new Set<RawLane>()
  const laneOf = link.lane.bind(link)
  link.lane = (number) => {
    const lane = laneOf(number)
    if (tapped.has(lane)) return lane
    tapped.add(lane)
    const send = lane.send.bind(lane)
    lane.send = (frame) => {
      frames.push(Buffer.from(frame).toString('hex'))
      return send(frame)
    }
    return lane
  }
  return link
}
