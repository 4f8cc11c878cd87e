import {
  actorName,
  child,
  defineApp,
  genServer,
  memoryTransport,
  type Node,
  procedure,
  startNode,
  streamProcedure,
} from '@skerry/core'
import { describe, expect, it, onTestFinished } from 'vitest'
import { controlLane } from '../../src/mesh/link-message.ts'
import { type Tamper, tampering } from './tampering-transport.ts'
import { knows, makeTransport, newMeshName, quiet } from './two-nodes.ts'

const marker = 'no msgpack'
const answers = procedure({ name: 'answers', run: () => marker })
const oneThenNothing = streamProcedure({
  name: 'oneThenNothing',
  async *run() {
    yield 1
    await new Promise(() => undefined)
  },
})
const clerkName = actorName<{ call: { read(): string } }>('clerk')
const clerk = genServer({ name: 'clerk', remote: 'members', init: () => 0, call: { read: () => marker } })
const app = defineApp({
  name: 'tampered',
  children: [child('clerk', clerk, [], { register: clerkName })],
  procedures: [answers, oneThenNothing],
})

describe('[node] bytes that a peer should not have sent', () => {
  it('as a result of a call end it as one that ran', async () => {
    const { client } = await startTwo({ server: garbleMarked })
    await expect(client.rpcRegion('syd', answers, undefined)).rejects.toMatchObject({
      code: 'ERR_NOT_DECODABLE',
      outcome: 'ran',
    })
  })

  it('as an answer of an actor end the call as one that ran', async () => {
    const { client, server } = await startTwo({ server: garbleMarked })
    const pid = server.whereis(clerkName)
    if (pid === undefined) throw new Error('there is no clerk')
    await expect(client.call(pid, 'read', [])).rejects.toMatchObject({ code: 'ERR_NOT_DECODABLE', outcome: 'ran' })
  })
})

describe('[node] a stream whose caller is not heard any more', () => {
  it('is ended by its process, and the caller, which still hears, is told', async () => {
    let mute = false
    const { client } = await startTwo({ client: (frame, lane) => (mute && lane !== controlLane ? undefined : frame) })
    const stream = client.stream('syd', oneThenNothing, undefined, { silentMs: 200 })[Symbol.asyncIterator]()
    expect(await stream.next()).toEqual({ done: false, value: 1 })
    mute = true
    await expect(stream.next()).rejects.toMatchObject({ code: 'ERR_STREAM_SILENT', outcome: 'ran' })
  })
})

/** Makes the text no value any more: that head means nothing. */
function garbleMarked(frame: Uint8Array): Uint8Array {
  const at = Buffer.from(frame.buffer, frame.byteOffset, frame.byteLength).indexOf(marker)
  if (at <= 0) return frame
  const garbled = Uint8Array.from(frame)
  garbled[at - 1] = 0xc1
  return garbled
}

async function startTwo(tampers: { client?: Tamper; server?: Tamper }): Promise<{ client: Node; server: Node }> {
  const hub = newMeshName()
  const join = async (region: string, tamper: Tamper = (frame) => frame): Promise<Node> => {
    const transport = tampering(await makeTransport(memoryTransport({ hub })), tamper)
    const options = { region, primaryRegion: 'syd', cluster: 'tests', transport: () => transport }
    const node = await startNode(app, quiet(options))
    onTestFinished(() => node.stop())
    return node
  }
  const server = await join('syd', tampers.server)
  const client = await join('lax', tampers.client)
  await knows(client, server, app)
  return { client, server }
}
