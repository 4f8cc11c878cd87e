import { type ConformanceSuite, startTcpWay, type TcpWay, transportConformance } from '@skerry/testing/conformance'
import type { Platform } from '@skerry/core/platform'
import type { Transport } from '@skerry/core/transport'
import type { Libp2pTransportOptions } from '@skerry/transport-libp2p'
import { describe, it } from 'vitest'
import { freePort } from '../../core/test/fixtures/free-port.ts'

const clusterSecret = 'a secret that all members know'
/** The ways to the nodes of each world, which its faults cut. */
const waysOf = new Map<string, TcpWay[]>()

/** The conformance suite over loopback, with ways between the nodes that can be cut. */
export function libp2pConformance(
  name: string,
  platform: () => Platform,
  create: (options: Libp2pTransportOptions) => Transport,
  fromSettled?: (options: unknown) => Transport,
  suite: ConformanceSuite = { describe, it },
): void {
  transportConformance(name, {
    suite,
    supports: {
      lanes: 3,
      gossip: true,
      maxFrameBytes: 1024 * 1024,
      secret: true,
      cluster: true,
      frameLimit: 'option',
      faults: true,
      intruders: true,
    },
    platform,
    ...(fromSettled !== undefined && { fromSettled }),
    // Port 1 of the loopback: nothing listens there, so the machine refuses at once.
    nobody: () => '/ip4/127.0.0.1/tcp/1',
    network(world) {
      const ways: TcpWay[] = []
      waysOf.set(world, ways)
      return {
        cut: () => ways.forEach((way) => way.cut()),
        heal: () => ways.forEach((way) => way.heal()),
        breakOff: () => ways.forEach((way) => way.breakOff()),
        intrude: async (bytes) => void (await Promise.all(ways.map((way) => way.intrude(bytes)))),
        said: () => ways.flatMap((way) => way.said()),
        async end() {
          waysOf.delete(world)
          await Promise.all(ways.map((way) => way.end()))
        },
      }
    },
    async create({ member, world, maxFrameBytes }) {
      const port = await freePort()
      const way = await startTcpWay(port)
      waysOf.get(world)?.push(way)
      return create({
        listen: [`/ip4/127.0.0.1/tcp/${port}`],
        announce: [`/ip4/127.0.0.1/tcp/${way.port}`],
        cluster: member === 'outsider' ? `${world}-other` : world,
        secrets: [member === 'stranger' ? 'a secret that no member knows' : clusterSecret],
        ...(maxFrameBytes !== undefined && { maxFrameBytes }),
      })
    },
  })
}
