import { createNatsTransport, natsTransport } from '@skerry/transport-nats'
import { afterAll, beforeAll } from 'vitest'
import { floods, sayings } from '../../transport-libp2p/test/hostile/hostile-suite.ts'
import { cluster, type HostileMesh, secret } from '../../transport-libp2p/test/hostile/hostile-world.ts'
import { describeOnServerUnless, type NatsServer, startNatsServer } from './nats-server.ts'

// Core is the same over all transports, and floods want a machine to themselves.
const notAsked =
  process.env['SKERRY_NATS_HOSTILE'] === 'all'
    ? undefined
    : 'hostile peers over NATS: only with SKERRY_NATS_HOSTILE=all'

describeOnServerUnless(notAsked)('over a real server of NATS', () => {
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
})
