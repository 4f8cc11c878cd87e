import {
  actorName,
  child,
  defineApp,
  genServer,
  type Message,
  type Node,
  type Pid,
  procedure,
  silentLog,
  startNode,
} from '@skerry/core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { knows, type MeshKind, newMeshName } from './two-nodes.ts'

const MiB = 1024 * 1024

const large = procedure({ name: 'large', run: (_ctx, bytes: number) => pattern(bytes) })
const measure = procedure({ name: 'measure', run: (_ctx, bytes: Uint8Array) => bytes.byteLength })
const ping = procedure({ name: 'ping', run: (_ctx, text: string) => text })

// The reader is on a node of this thread, so it can say here that it has all.
let lastCame: () => void = () => undefined

interface ReaderProtocol {
  call: { read(): string[] }
  cast: { take(label: string, body: string): void }
}
const readerName = actorName<ReaderProtocol>('reader')
const reader = genServer({
  name: 'reader',
  init: (): string[] => [],
  call: { read: (ctx) => ctx.state },
  cast: {
    take(ctx, label: string, body: string) {
      ctx.state.push(`${label} ${body.length}`)
      if (label === 'last') lastCame()
    },
  },
  info: (ctx, message: Message) => void ctx.state.push(message as string),
})

interface WriterProtocol {
  call: { write(to: Pid<ReaderProtocol>, bytes: number): void }
  cast: Record<never, never>
}
const writerName = actorName<WriterProtocol>('writer')
/** One actor, so that all that it sends to another is of one pair. */
const writer = genServer({
  name: 'writer',
  init: () => undefined,
  call: {
    write(ctx, to: Pid<ReaderProtocol>, bytes: number) {
      ctx.cast(to, 'take', ['first', ''])
      ctx.cast(to, 'take', ['large', 'x'.repeat(bytes)])
      ctx.send(to, 'a message')
      ctx.cast(to, 'take', ['larger', 'y'.repeat(2 * bytes)])
      ctx.cast(to, 'take', ['last', ''])
    },
  },
})

/** Bodies that do not fit a frame of the transport, over one kind of it. */
export function largeBodiesSuite(kind: MeshKind): void {
  describe(`large bodies over ${kind.name}`, () => {
    let server: Node
    let client: Node
    beforeAll(async () => {
      const mesh = newMeshName()
      const start = async (
        app: ReturnType<typeof defineApp>,
        region: string,
        seeds: readonly string[],
      ): Promise<Node> =>
        startNode(app, {
          region,
          primaryRegion: 'syd',
          cluster: 'large',
          remoteSignals: 'members',
          transport: kind.spec(mesh, { seeds }),
          log: silentLog,
        })
      const serverApp = defineApp({
        name: 'server',
        children: [child('reader', reader, [], { register: readerName })],
        procedures: [large, measure, ping],
      })
      server = await start(serverApp, 'syd', [])
      const clientApp = defineApp({ name: 'client', children: [child('writer', writer, [], { register: writerName })] })
      client = await start(clientApp, 'lax', server.addresses)
      await knows(client, server, serverApp)
    })
    afterAll(() => Promise.all([client.stop(), server.stop()]))

    it('a result of 64 MiB arrives', async () => {
      const result = await client.rpcRegion('syd', large, 64 * MiB, { timeoutMs: 60_000 })
      expect(result.byteLength).toBe(64 * MiB)
      expect(Buffer.compare(result, pattern(64 * MiB))).toBe(0)
    }, 90_000)

    it('a result beyond is an error that ran, an argument beyond was not sent', async () => {
      const options = { timeoutMs: 60_000 }
      await expect(client.rpcRegion('syd', large, 65 * MiB, options)).rejects.toMatchObject({
        code: 'ERR_FRAME_TOO_LARGE',
        outcome: 'ran',
      })
      await expect(client.rpcRegion('syd', measure, new Uint8Array(65 * MiB), options)).rejects.toMatchObject({
        code: 'ERR_FRAME_TOO_LARGE',
        outcome: 'not-run',
      })
    }, 90_000)

    it('several at a time arrive, more than the peer has credit for', async () => {
      const sizes = [40, 30, 50, 1, 20].map((size) => size * MiB)
      const options = { timeoutMs: 60_000 }
      const results = await Promise.all(sizes.map((size) => client.rpcRegion('syd', large, size, options)))
      expect(results.map(({ byteLength }) => byteLength)).toEqual(sizes)
      expect(await client.rpcRegion('syd', measure, pattern(10 * MiB), options)).toBe(10 * MiB)
    }, 120_000)

    it('small calls do not wait for one', async () => {
      let isOver = false
      const bulk = client.rpcRegion('syd', large, 48 * MiB, { timeoutMs: 60_000 }).finally(() => (isOver = true))
      let calls = 0
      while (!isOver) {
        await client.rpcRegion('syd', ping, 'hi')
        calls += 1
      }
      await bulk
      expect(calls).toBeGreaterThan(10)
    }, 90_000)

    it('what an actor sends behind one comes behind it', async () => {
      const all = new Promise<void>((resolve) => (lastCame = resolve))
      await client.call(writerName, 'write', [server.whereis(readerName) as Pid<ReaderProtocol>, 2 * MiB])
      await all
      const expected = ['first 0', `large ${2 * MiB}`, 'a message', `larger ${4 * MiB}`, 'last 0']
      expect(await server.call(readerName, 'read', [])).toEqual(expected)
    }, 60_000)
  })
}

function pattern(bytes: number): Uint8Array {
  const all = new Uint8Array(bytes)
  for (let at = 0; at < bytes; at += 4_099) all[at] = at % 251
  return all
}
