import { createServer } from 'node:net'
import { startTcpWay, type TcpWay, transportConformance } from '@skerry/testing/conformance'
import { createLibp2pTransport } from '@skerry/transport-libp2p'
import { describe, it } from 'vitest'
import { testPlatform } from './test-platform.ts'

const clusterSecret = 'a secret that all members know'
/** The ways to the nodes of each world, which its faults cut. */
const waysOf = new Map<string, TcpWay[]>()

transportConformance('libp2p', {
  suite: { describe, it },
  supports: {
    lanes: 3,
    gossip: true,
    maxFrameBytes: 1024 * 1024,
    secret: true,
    cluster: true,
    frameLimit: 'option',
    faults: true,
  },
  platform: () => testPlatform(),
  // Port 1 of the loopback: nothing listens there, so the machine refuses at once.
  nobody: () => '/ip4/127.0.0.1/tcp/1',
  network(world) {
    const ways: TcpWay[] = []
    waysOf.set(world, ways)
    return {
      cut: () => ways.forEach((way) => way.cut()),
      heal: () => ways.forEach((way) => way.heal()),
      breakOff: () => ways.forEach((way) => way.breakOff()),
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
    return createLibp2pTransport({
      listen: [`/ip4/127.0.0.1/tcp/${port}`],
      announce: [`/ip4/127.0.0.1/tcp/${way.port}`],
      cluster: member === 'outsider' ? `${world}-other` : world,
      secrets: [member === 'stranger' ? 'a secret that no member knows' : clusterSecret],
      ...(maxFrameBytes !== undefined && { maxFrameBytes }),
    })
  },
})

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  return typeof address === 'object' && address !== null ? address.port : 0
}
