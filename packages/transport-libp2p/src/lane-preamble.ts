import type { Random } from '@skerry/core/platform'
import { toString } from 'uint8arrays/to-string'
import { Uint8ArrayList } from 'uint8arraylist'
import type { OpenedStream } from './lane.ts'
import type { LineStream } from './line.ts'

/** The protocol of a stream that carries one lane. Its first 17 bytes say which lane of which link. */
export const laneProtocol = '/skerry/lane/2.0.0'
export const lanesPerLink = 3
/** Streams of this protocol in one direction of one connection: 32 links of three lanes. */
export const laneStreamsMax = 96

const linkIdBytes = 16
const preambleBytes = linkIdBytes + 1

/** Opens all lanes of a new link. When one of them fails none stays open. */
export async function openLanes(open: () => Promise<LineStream>, random: Random): Promise<readonly OpenedStream[]> {
  const linkId = drawLinkId(random)
  const tries = await Promise.allSettled(Array.from({ length: lanesPerLink }, open))
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
    return { stream, preamble, early: [] }
  })
}

/** The peer took a stream back before it had said which lane it is: it gave up its dial, or has another link by now. */
export class StreamTakenBack extends Error {}

/**
 * Reads which lane an accepted stream is, and leaves it held. Rejects when the stream ends before, with {@link StreamTakenBack} if
 * it was the peer who ended it, and when there is no such lane. Nothing bounds the wait: the caller aborts the stream when it
 * takes too long.
 */
export async function readPreamble(
  stream: LineStream,
): Promise<{ linkId: string; lane: number; opened: OpenedStream }> {
  const read = new Uint8ArrayList()
  await new Promise<void>((resolve, reject) => {
    stream.read({
      bytes(bytes) {
        for (const block of bytes) read.append(block)
        if (read.byteLength < preambleBytes) return true
        resolve()
        return false
      },
      writable() {},
      ended: () => reject(new StreamTakenBack('The stream ended before it said which lane it is')),
      broke: (error, byPeer) =>
        reject(byPeer ? new StreamTakenBack('The peer reset the stream', { cause: error }) : error),
    })
  })
  const lane = read.get(linkIdBytes)
  if (lane >= lanesPerLink) throw new Error(`There is no lane ${lane}`)
  const linkId = toString(read.slice(0, linkIdBytes), 'base16')
  read.consume(preambleBytes)
  return { linkId, lane, opened: { stream, preamble: undefined, early: [...read] } }
}

function drawLinkId(random: Random): Uint8Array {
  const linkId = new Uint8Array(linkIdBytes)
  const view = new DataView(linkId.buffer)
  for (let offset = 0; offset < linkIdBytes; offset += 4) view.setUint32(offset, random.u32())
  return linkId
}
