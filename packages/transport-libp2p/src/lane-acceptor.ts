import type { Clock, Log, Timer } from '@skerry/core/platform'
import { lanesPerLink, readPreamble, StreamTakenBack } from './lane-preamble.ts'
import type { OpenedStream } from './lane.ts'
import type { LineConnection, LineStream } from './line.ts'

export interface LaneAcceptorOptions {
  readonly clock: Clock
  readonly log: Log
  /** A stream was reset that is no lane, or a link was given up whose lanes did not all come. */
  refused(): void
  /** All lanes of a link that the peer opened are there, lane 0 first. */
  complete(connection: LineConnection, streams: readonly OpenedStream[]): void
}

interface HalfOpenLink {
  readonly peer: string
  readonly lanes: (OpenedStream | undefined)[]
  readonly timer: Timer
}

// A peer that opens some lanes of a link and not the rest holds memory here until then.
const completeMs = 10_000
const halfOpenPerPeerMax = 8

/**
 * Gathers the streams that peers open into links. A stream that does not say in time which lane it is, that names a
 * lane which is there already, or that would be the ninth half-open link of its peer, is reset and logged. One that its peer
 * takes back before is logged for debugging only, and not counted as refused.
 */
export class LaneAcceptor {
  readonly #options: LaneAcceptorOptions
  readonly #halfOpen = new Map<string, HalfOpenLink>()
  readonly #unnamed = new Set<Timer>()

  constructor(options: LaneAcceptorOptions) {
    this.#options = options
  }

  async accept(connection: LineConnection, stream: LineStream): Promise<void> {
    // A stream that we abort says nothing more, so that its preamble is waited for no longer.
    const timer = this.#options.clock.after(completeMs, () => {
      this.#unnamed.delete(timer)
      this.#reset(connection, stream, new Error('No preamble in time'))
    })
    this.#unnamed.add(timer)
    try {
      const { linkId, lane, opened } = await readPreamble(stream)
      this.#add(connection, linkId, lane, opened)
    } catch (error) {
      this.#reset(connection, stream, error instanceof Error ? error : new Error(String(error)))
    } finally {
      timer.cancel()
      this.#unnamed.delete(timer)
    }
  }

  stop(): void {
    for (const timer of this.#unnamed) timer.cancel()
    for (const { timer } of this.#halfOpen.values()) timer.cancel()
    this.#unnamed.clear()
    this.#halfOpen.clear()
  }

  #reset(connection: LineConnection, stream: LineStream, why: Error): void {
    stream.abort(why)
    const fields = { peer: connection.remotePeer.toString(), reason: why.message }
    // Two nodes that dial each other at once take one of the links back.
    if (why instanceof StreamTakenBack) {
      this.#options.log.debug(fields, 'A peer took back a stream before it was a lane')
      return
    }
    this.#options.refused()
    this.#options.log.warn(fields, 'Reset a stream that is no lane')
  }

  #add(connection: LineConnection, linkId: string, lane: number, opened: OpenedStream): void {
    // With the connection's id, so that nobody can add a lane to another's link.
    const key = `${connection.id} ${linkId}`
    const link = this.#halfOpen.get(key) ?? this.#addHalfOpen(key, connection.remotePeer.toString())
    if (link.lanes[lane] !== undefined) throw new Error(`Lane ${lane} of this link is open already`)
    link.lanes[lane] = opened
    const lanes = link.lanes.filter((there) => there !== undefined)
    if (lanes.length < lanesPerLink) return
    link.timer.cancel()
    this.#halfOpen.delete(key)
    this.#options.complete(connection, lanes)
  }

  #addHalfOpen(key: string, peer: string): HalfOpenLink {
    let ofThisPeer = 0
    for (const other of this.#halfOpen.values()) if (other.peer === peer) ofThisPeer += 1
    if (ofThisPeer >= halfOpenPerPeerMax) throw new Error(`The peer has ${ofThisPeer} half-open links`)
    const link: HalfOpenLink = {
      peer,
      lanes: new Array<undefined>(lanesPerLink).fill(undefined),
      timer: this.#options.clock.after(completeMs, () => this.#giveUp(key)),
    }
    this.#halfOpen.set(key, link)
    return link
  }

  #giveUp(key: string): void {
    const link = this.#halfOpen.get(key)
    if (link === undefined) return
    this.#halfOpen.delete(key)
    for (const lane of link.lanes) lane?.stream.abort(new Error('The other lanes of the link did not come in time'))
    this.#options.refused()
    this.#options.log.warn({ peer: link.peer }, 'Reset a link whose lanes did not all come')
  }
}
