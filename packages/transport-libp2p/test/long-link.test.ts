import { randomUUID } from 'node:crypto'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { defineApp, type Node, type OfferedProcedure, procedure, silentLog, startNode } from '@skerry/core'
import { libp2pTransport, type Libp2pTransportOptions } from '@skerry/transport-libp2p'
import { describe, expect, it, onTestFinished } from 'vitest'
import { streamWindowBytes, streamWindowBytesMax } from '../src/limits.ts'

const secret = 'the secret of these tests, 32 characters'
const oneWayMs = 60
const KiB = 1024
const give = procedure({ name: 'give', run: (_ctx, bytes: number) => new Uint8Array(bytes) })

describe.each(['main', 'own'] as const)(
  'a link whose bytes take 60 ms each way, its transport on thread %s',
  (thread) => {
    it('has more and more under way, until the window is that of its round trip, and never more than that', async () => {
      const cluster = randomUUID()
      const far = await member({ cluster, region: 'syd', thread: 'main', seeds: [] }, [give])
      const way = await slowWay(portOf(far))
      const near = await member({ cluster, region: 'lax', thread, seeds: [`/ip4/127.0.0.1/tcp/${way.port}`] })
      await near.waitFor(() => near.isRpcSupported(far.id, give), 'the other node and its procedure')

      // The heartbeats go on meanwhile, and from the fourth one on the windows are sized by them.
      const most: number[] = []
      const transfer = async (): Promise<number> => {
        way.forget()
        const bytes = 6 * 1024 * KiB
        const given = await near.rpcRegion('syd', give, bytes, { timeoutMs: 60_000 })
        expect(given.length).toBe(bytes)
        return most[most.push(way.most()) - 1] ?? 0
      }
      // Some 120 ms at 32 KiB each; a machine that is busy sees a longer way.
      await expect.poll(transfer, { timeout: 60_000, interval: 1 }).toBeGreaterThan(8 * streamWindowBytes)
      expect(Math.max(...most)).toBeLessThan(streamWindowBytesMax + 512 * KiB)
    }, 90_000)
  },
)

async function member(
  { region, ...options }: Pick<Libp2pTransportOptions, 'cluster' | 'seeds' | 'thread'> & { region: string },
  procedures: readonly OfferedProcedure[] = [],
): Promise<Node> {
  const node = await startNode(defineApp({ name: 'member', children: [], procedures }), {
    region,
    primaryRegion: 'syd',
    log: silentLog,
    transport: libp2pTransport({ ...options, secrets: [secret] }),
  })
  onTestFinished(() => node.stop())
  return node
}

function portOf(node: Node): number {
  return Number(/\/tcp\/(\d+)/.exec(node.addresses[0] ?? '')?.[1])
}

interface SlowWay {
  readonly port: number
  /** The most bytes that were on their way to who dialled at a time, since `forget`. */
  most(): number
  forget(): void
}

/** A proxy before a port, which hands on each byte only so long after it came. It takes all that is sent, as a long path does. */
async function slowWay(to: number): Promise<SlowWay> {
  const sockets = new Set<Socket>()
  let underWay = 0
  let most = 0
  const server = createServer({ noDelay: true }, (client) => {
    const there = connect(to, '127.0.0.1').setNoDelay(true)
    for (const [from, into] of [
      [client, there],
      [there, client],
    ] as const) {
      sockets.add(from)
      from.on('error', () => into.destroy())
      from.on('close', () => into.destroy())
      from.on('data', (bytes) => {
        const counted = into === client ? bytes.length : 0
        underWay += counted
        most = Math.max(most, underWay)
        setTimeout(() => {
          underWay -= counted
          into.write(bytes)
        }, oneWayMs)
      })
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return {
    port: (server.address() as AddressInfo).port,
    most: () => most,
    forget() {
      most = underWay
    },
  }
}
