import { createNatsTransport, natsTransport } from '@skerry/transport-nats'
import { afterAll, beforeAll } from 'vitest'
import { floods, sayings } from '../../transport-libp2p/test/hostile/hostile-suite.ts'
import { unreadStreams } from '../../transport-libp2p/test/hostile/stream-suite.ts'
import { cluster, type HostileMesh, secret } from '../../transport-libp2p/test/hostile/hostile-world.ts'
import { describeOnServer, type NatsServer, startNatsServer } from './nats-server.ts'

describeOnServer('over a real server of NATS', () => {
  let server: NatsServer
  beforeAll(async () => {
    server = await startNatsServer()
  })
  afterAll(() => server.stop())

  const mesh = (): HostileMesh => {
    const servers = [server.url]
    return {
      module: '@skerry/transport-nats',
      make: 'natsTransport',
      options: { servers },
      member: () => natsTransport({ cluster, secrets: [secret], servers }),
      hostile: (options) => createNatsTransport({ cluster, secrets: [secret], servers, ...options }),
    }
  }
  floods(mesh)
  sayings(mesh)
  unreadStreams(mesh)
})
