import type { Clock, Timer, TurnQueue } from '@skerry/core/platform'
import type { LinkClosed, RawLane, RawLink } from '@skerry/core/transport'
import { Lane, type OpenedStream } from './lane.ts'
import type { LineConnection } from './line.ts'
import type { Libp2pIdentity } from './options.ts'
import { windowBytesFor } from './window-size.ts'

export interface LaneLinkOptions {
  readonly connection: LineConnection
  /** What is known of the peer, if anything is. */
  readonly identity: Libp2pIdentity | undefined
  /** One stream for each lane, lane 0 first. */
  readonly streams: readonly OpenedStream[]
  readonly maxFrameBytes: number
  readonly clock: Clock
  readonly turns: TurnQueue
  /** Called once, when nothing of the link is left. */
  gone(link: LaneLink): void
}

// Time for the other lanes to deliver what came before the peer's close, once the first lane has ended.
const peerCloseMs = 250
// Time for the frames that wait to leave after our own close. What has not left by then is lost.
const flushMs = 500

/** A link whose lanes are long-lived streams of one libp2p connection; several links may share a connection. */
export class LaneLink implements RawLink {
  readonly peer: string
  readonly roles: readonly string[]
  readonly regions: readonly string[] | undefined
  readonly connection: LineConnection
  readonly closed: Promise<LinkClosed>
  readonly #lanes: readonly Lane[]
  readonly #clock: Clock
  readonly #gone: (link: LaneLink) => void
  #resolveClosed!: (closed: LinkClosed) => void
  #isClosed = false
  #lanesOpen: number
  /** Set once the peer has closed a lane, or the connection is gone. */
  #peerClosing: Timer | undefined

  constructor({ connection, identity, streams, maxFrameBytes, clock, turns, gone }: LaneLinkOptions) {
    this.connection = connection
    this.peer = connection.remotePeer.toString()
    this.roles = identity?.roles ?? []
    this.regions = identity?.regions
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve
    })
    this.#clock = clock
    this.#gone = gone
    this.#lanesOpen = streams.length
    this.#lanes = streams.map(
      (opened, index) =>
        new Lane({
          opened,
          maxFrameBytes,
          turns,
          ended: ({ clean, reason }) => (clean ? this.#laneClosed() : this.#break(`Lane ${index}: ${reason}`)),
        }),
    )
  }

  lane(n: number): RawLane {
    return this.#lanes[Math.min(Math.max(n, 0), this.#lanes.length - 1)] as RawLane
  }

  leastRtt(ms: number): void {
    for (const lane of this.#lanes) lane.setWindow(windowBytesFor(ms))
  }

  close(reason: string): void {
    this.#settle({ local: true, reason }, (lane) => lane.end())
  }

  /** The connection below is gone. What its lanes have received already may still be delivered, for a short while. */
  connectionClosed(): void {
    this.#awaitOtherLanes()
  }

  #laneClosed(): void {
    this.#lanesOpen -= 1
    if (this.#lanesOpen === 0) this.#peerClosed()
    else this.#awaitOtherLanes()
  }

  #awaitOtherLanes(): void {
    if (this.#isClosed) return
    this.#peerClosing ??= this.#clock.after(peerCloseMs, () => this.#peerClosed())
  }

  #peerClosed(): void {
    const reason = this.connection.status === 'open' ? 'The peer closed the link' : 'The connection closed'
    this.#settle({ local: false, reason }, (lane) => lane.discard())
  }

  #break(reason: string): void {
    this.#settle({ local: false, reason }, (lane) => lane.abort(reason))
  }

  #settle(closed: LinkClosed, endLane: (lane: Lane) => void): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#peerClosing?.cancel()
    for (const lane of this.#lanes) endLane(lane)
    this.#resolveClosed(closed)
    const flushed = this.#clock.after(flushMs, () => {
      for (const lane of this.#lanes) lane.abort('The frames that were left did not leave in time')
    })
    void Promise.all(this.#lanes.map((lane) => lane.finished)).then(() => {
      flushed.cancel()
      this.#gone(this)
    })
  }
}
