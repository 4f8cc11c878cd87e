import type { Connection, Stream } from '@libp2p/interface'
import type { Random } from '@skerry/core/platform'
import { toString } from 'uint8arrays/to-string'
import { Uint8ArrayList } from 'uint8arraylist'
import type { OpenedStream } from './lane-stream.ts'

/** The protocol of a stream that carries one lane. Its first 17 bytes say which lane of which link. */
export const laneProtocol = '/skerry/lane/2.0.0'
export const lanesPerLink = 3
/** Streams of this protocol in one direction of one connection: 32 links of three lanes. */
export const laneStreamsMax = 96

const linkIdBytes = 16
const preambleBytes = linkIdBytes + 1

/** Opens all lanes of a new link. When one of them fails none stays open. */
export async function openLanes(
  connection: Connection,
  random: Random,
  signal: AbortSignal,
): Promise<readonly OpenedStream[]> {
  const linkId = drawLinkId(random)
  // Both limits of libp2p apply: the one given here and the one given with the handler.
  const options = { signal, maxOutboundStreams: laneStreamsMax }
  const tries = await Promise.allSettled(
    Array.from({ length: lanesPerLink }, () => connection.newStream(laneProtocol, options)),
  )
  const streams = tries.flatMap((opening) => (opening.status === 'fulfilled' ? [opening.value] : []))
  const failed = tries.find((opening) => opening.status === 'rejected')
  if (failed !== undefined) {
    for (const stream of streams) stream.abort(new Error('Another lane of the link could not be opened'))
    throw failed.reason
  }
  return streams.map((stream, lane) => {
    const preamble = new Uint8Array(preambleBytes)
    preamble.set(linkId)
    preamble[linkIdBytes] = lane
    return { stream, preamble, early: [], source: stream.source }
  })
}

/** The peer took a stream back before it had said which lane it is: it gave up its dial, or has another link by now. */
export class StreamTakenBack extends Error {}

/**
 * Reads which lane an accepted stream is. Rejects when the stream ends before, with {@link StreamTakenBack} if it was the peer
 * who ended it, and when there is no such lane. Nothing bounds the wait: the caller aborts the stream when it takes too long.
 */
export async function readPreamble(stream: Stream): Promise<{ linkId: string; lane: number; opened: OpenedStream }> {
  const chunks = stream.source[Symbol.asyncIterator]()
  const read = new Uint8ArrayList()
  while (read.byteLength < preambleBytes) {
    const { done, value } = await nextChunk(stream, chunks)
    if (done === true) throw new StreamTakenBack('The stream ended before it said which lane it is')
    read.append(value)
  }
  const lane = read.get(linkIdBytes)
  if (lane >= lanesPerLink) throw new Error(`There is no lane ${lane}`)
  const linkId = toString(read.slice(0, linkIdBytes), 'base16')
  read.consume(preambleBytes)
  const source = { [Symbol.asyncIterator]: () => chunks }
  return { linkId, lane, opened: { stream, preamble: undefined, early: [...read], source } }
}

async function nextChunk(
  stream: Stream,
  chunks: AsyncIterator<Uint8ArrayList>,
): Promise<IteratorResult<Uint8ArrayList, unknown>> {
  try {
    return await chunks.next()
  } catch (cause) {
    if (stream.status === 'reset') throw new StreamTakenBack('The peer reset the stream', { cause })
    throw cause
  }
}

function drawLinkId(random: Random): Uint8Array {
  const linkId = new Uint8Array(linkIdBytes)
  const view = new DataView(linkId.buffer)
  for (let offset = 0; offset < linkIdBytes; offset += 4) view.setUint32(offset, random.u32())
  return linkId
}
