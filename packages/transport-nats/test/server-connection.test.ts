import { connect, type NatsConnection } from '@nats-io/transport-node'
import { silentLog, systemPlatform } from '@skerry/core'
import { expect, it, onTestFinished } from 'vitest'
import { checkOptions } from '../src/options.ts'
import { connectToServer } from '../src/server-connection.ts'
import { describeOnServer, startNatsServer } from './nats-server.ts'

describeOnServer('a connection to a server', () => {
  it('whose client gives up for good is lost, and that is told: nobody else would start the node again', async () => {
    const server = await startNatsServer()
    onTestFinished(() => server.stop('SIGKILL'))
    const clients: NatsConnection[] = []
    const told: string[] = []
    const { clock } = systemPlatform()
    const connection = await connectToServer(
      checkOptions({ cluster: 'tests', servers: [server.url] }),
      {
        clock,
        log: silentLog,
        name: 'a node',
        on: {
          lost: () => void told.push('lost'),
          back: () => void told.push('back'),
          gaveUp: ({ code }) => void told.push(code),
        },
      },
      async (options) => {
        const client = await connect(options)
        clients.push(client)
        return client
      },
    )
    // What it can't come back from looks like this from outside.
    await clients[0]?.close()
    await expect.poll(() => told).toEqual(['lost', 'ERR_TRANSPORT_STOPPED'])
    expect(connection.isUp).toBe(false)
  })

  it('that is closed on purpose is no failure', async () => {
    const server = await startNatsServer()
    onTestFinished(() => server.stop('SIGKILL'))
    const told: string[] = []
    const { clock } = systemPlatform()
    const on = {
      lost: () => void told.push('lost'),
      back: () => void told.push('back'),
      gaveUp: () => void told.push('gave up'),
    }
    const given = { clock, log: silentLog, name: 'a node', on }
    const connection = await connectToServer(checkOptions({ cluster: 'tests', servers: [server.url] }), given)
    await connection.close()
    expect(told).toEqual([])
  })
})
