import net from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { cluster, connect, frames, never, secret, startNode, type TestNode } from './nodes.ts'

const next = 'the secret that comes after it'
const other = 'the secret of another cluster'

describe('the cluster secret', () => {
  it.each([
    ['another secret', { secrets: [other] }],
    ['no secret', { secrets: [] }],
    ['the secret but another cluster name', { cluster: `${cluster} two` }],
  ])('keeps out a node with %s, whoever dials, before a byte of the application is sent', async (_what, options) => {
    const member = await startNode()
    const stranger = await startNode(options)
    for (const [from, to] of [
      [stranger, member],
      [member, stranger],
    ] as const) {
      const wire = await tapped(to)
      await expect(from.transport.dial(wire.address, to.id, never)).rejects.toMatchObject({ code: 'ERR_PEER_REFUSED' })
      await wire.closed
      // Only the negotiation of the encrypter: its lines, and not even the beginning of a handshake.
      for (const seen of [wire.fromDialler(), wire.fromListener()]) {
        for (const line of linesOf(seen)) expect(line).toMatch(/^(\/multistream\/1\.0\.0|\/noise\/[0-9a-f]{32}|na)$/)
      }
    }
    expect([...member.accepted, ...stranger.accepted]).toEqual([])
    // Each was dialled once by the other.
    await expect.poll(() => [member.uncarried.refused, stranger.uncarried.refused]).toEqual([1, 1])
  })

  it('shows neither itself nor the cluster name on the wire', async () => {
    const [from, to] = [await startNode(), await startNode()]
    const wire = await tapped(to)
    const accepted = to.nextAccepted()
    const link = await from.transport.dial(wire.address, to.id, never)
    const arrived = frames(await accepted, 0, 1)
    link.lane(0).send(Buffer.from('a frame in the clear'))
    await arrived
    const seen = Buffer.concat([wire.fromDialler(), wire.fromListener()]).toString('latin1')
    expect(seen).toContain('/noise/')
    for (const hidden of [secret, cluster, 'a frame in the clear']) expect(seen).not.toContain(hidden)
  })

  it('lets nodes of one cluster name without secrets meet', async () => {
    await connect(await startNode({ secrets: [] }), await startNode({ secrets: [] }))
  })

  it('can be changed by adding the new one, putting it first, and dropping the old one', async () => {
    const steps = [[secret], [secret, next], [next, secret], [next]]
    for (const [index, secrets] of steps.slice(0, -1).entries()) {
      const before = await startNode({ secrets })
      const after = await startNode({ secrets: steps[index + 1] as string[] })
      await connect(before, after)
      await connect(after, before)
    }
    const oldest = await startNode({ secrets: [secret] })
    const newest = await startNode({ secrets: [next] })
    await expect(connect(oldest, newest)).rejects.toMatchObject({ code: 'ERR_PEER_REFUSED' })
  })
})

/** A way to the node over which everything that is said can be read. */
async function tapped(node: TestNode): Promise<{
  address: string
  fromDialler(): Buffer
  fromListener(): Buffer
  closed: Promise<void>
}> {
  const port = Number(/\/tcp\/(\d+)/.exec(node.address)?.[1])
  const diallerSaid: Buffer[] = []
  const listenerSaid: Buffer[] = []
  let close: () => void
  const closed = new Promise<void>((resolve) => {
    close = resolve
  })
  const server = net.createServer((dialler) => {
    const listener = net.connect(port, '127.0.0.1')
    dialler.on('data', (data) => diallerSaid.push(data)).pipe(listener)
    listener.on('data', (data) => listenerSaid.push(data)).pipe(dialler)
    // Either may reset its end; the end is all that matters here.
    for (const socket of [dialler, listener]) socket.on('error', () => socket.destroy())
    dialler.on('close', () => {
      listener.destroy()
      close()
    })
    listener.on('close', () => dialler.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  return {
    address: `/ip4/127.0.0.1/tcp/${(server.address() as net.AddressInfo).port}`,
    fromDialler: () => Buffer.concat(diallerSaid),
    fromListener: () => Buffer.concat(listenerSaid),
    closed,
  }
}

/** What multistream-select said: each line after its length in one byte, with a newline at its end. */
function linesOf(said: Buffer): string[] {
  const lines: string[] = []
  for (let at = 0; at < said.length; at += 1 + (said[at] as number)) {
    const line = said.toString('latin1', at + 1, at + 1 + (said[at] as number))
    lines.push(line.endsWith('\n') ? line.slice(0, -1) : `unfinished: ${line}`)
  }
  return lines
}
