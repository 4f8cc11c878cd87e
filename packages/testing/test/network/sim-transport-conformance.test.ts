import { describe, expect, it } from 'vitest'
import { type ConformanceSuite, transportConformance } from '../../src/conformance/transport-conformance.ts'
import { SimUnit } from '../../src/kernel/sim-unit.ts'
import { createSimNetwork, type SimNetwork } from '../../src/network/sim-network.ts'
import { createKernel, driven, platformOn } from './sim-world.ts'

const members = [
  { name: 'a', region: 'iad' },
  { name: 'b', region: 'fra' },
  { name: 'c', region: 'syd' },
  { name: 'stranger', region: 'lhr' },
  { name: 'outsider', region: 'local' },
]

// Near and still, and far and varying: what is promised may not depend on latency.
for (const { name, rtt, jitter } of [
  { name: 'simulated in one place', rtt: { rtt: () => 1 }, jitter: false },
  { name: 'simulated around the world', rtt: {}, jitter: true },
]) {
  const kernel = await createKernel()
  const networks = new Map<string, SimNetwork>()
  const suite: ConformanceSuite = {
    describe,
    it: Object.assign(
      (title: string, run: () => Promise<void>, timeoutMs: number) => {
        it(title, () => driven(kernel, run()), timeoutMs)
      },
      {
        skip: (title: string) =>
          it(title, ({ skip }) => {
            // It runs on no thread of its own, so nothing is to be settled beforehand; only nodes are in its world. Else nothing is skipped.
            expect(title).toMatch(
              /\(skipped: its harness (makes none from settled options|lets nobody connect who is no node)\)/,
            )
            skip()
          }),
      },
    ),
  }
  const networkOf = (world: string): SimNetwork => {
    const network = networks.get(world) ?? createSimNetwork({ kernel, nodes: members, rtt, jitter })
    networks.set(world, network)
    return network
  }
  transportConformance(name, {
    suite,
    supports: {
      lanes: 3,
      gossip: true,
      maxFrameBytes: 1_048_576,
      secret: true,
      cluster: true,
      frameLimit: 'option',
      faults: true,
    },
    caseMs: 60_000,
    platform: () => platformOn(kernel),
    nobody: () => 'sim:nobody',
    network(world) {
      const network = networkOf(world)
      const names = members.map((member) => member.name)
      return {
        cut: () =>
          names.forEach((from) =>
            network.apply(from, { kind: 'partition', from: [from], to: ['rest'], oneWay: false }),
          ),
        heal: () => names.forEach((from) => network.remove(from)),
        breakOff: () => network.reset(names, names, false),
        end() {},
      }
    },
    create({ member, world, maxFrameBytes }) {
      const network = networkOf(world)
      return network.transportFor(member, new SimUnit(member, 1), {
        key: { stranger: 'other secret', outsider: 'other cluster' }[member as string] ?? '',
        ...(maxFrameBytes !== undefined && { maxFrameBytes }),
      })
    },
  })
}
