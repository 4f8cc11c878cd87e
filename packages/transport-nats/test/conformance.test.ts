import { onOwnThread, silentLog, systemPlatform } from '@skerry/core'
import { startTcpWay, type TcpWay, transportConformance } from '@skerry/testing/conformance'
import { createNatsTransport, natsAddress, natsTransport } from '@skerry/transport-nats'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { describeOnServer, type NatsServer, startNatsServer } from './nats-server.ts'

const clusterSecret = 'a secret that all members know'

describeOnServer('on one server', () => {
  const waysOf = new Map<string, TcpWay>()
  let server: NatsServer
  beforeAll(async () => {
    server = await startNatsServer()
  })
  afterAll(() => server.stop())

  for (const thread of ['main', 'own'] as const) {
    transportConformance(thread === 'main' ? 'nats' : 'nats on its own thread', {
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
      platform: () => systemPlatform({ log: silentLog }),
      ...(thread === 'main' && { fromSettled: createNatsTransport }),
      // A name that no node has: its key would be all zeros.
      nobody: (world) => natsAddress(world, 'A'.repeat(43)),
      // One way to the server for all nodes of a case.
      async network(world) {
        const way = await startTcpWay(server.port)
        waysOf.set(world, way)
        return {
          ...way,
          async end() {
            waysOf.delete(world)
            await way.end()
          },
        }
      },
      create: ({ member, world, maxFrameBytes }) => {
        const options = {
          servers: [`nats://127.0.0.1:${waysOf.get(world)?.port}`],
          cluster: member === 'outsider' ? `${world}-other` : world,
          secrets: [member === 'stranger' ? 'a secret that no member knows' : clusterSecret],
          ...(maxFrameBytes !== undefined && { maxFrameBytes }),
        }
        return thread === 'main'
          ? createNatsTransport(options)
          : onOwnThread(natsTransport(options), createNatsTransport)
      },
    })
  }
})
