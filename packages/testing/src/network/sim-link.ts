import type { LinkClosed, RawLane, RawLink } from '@skerry/core/transport'
import type { Unit } from '../kernel/sim-kernel-contract.ts'
import { type LaneOwner, SimLane } from './sim-lane.ts'
import { type PipeEnd, SimPipe } from './sim-pipe.ts'
import { type Connection, drop, type Life, type Machine, simLanes, type Wire } from './wire.ts'

/**
 * Sets up a connection: the dialler has its end at once, the other life is handed its own when the dialler's
 * confirmation arrives, ahead of its first frame.
 */
export function connect(wire: Wire, dialler: Life, acceptor: Life): RawLink {
  const connection = new SimConnection(wire, dialler, acceptor)
  const { ours, theirs } = connection
  wire.connections.add(connection)
  wire.counters.connections += 1
  dialler.expect(ours)
  if (acceptor.isRunning) acceptor.expect(theirs)
  else theirs.isDead = true
  wire.kernel.note(dialler.unit, 'open', { peer: ours.peer })
  ours.out.sendControl('connected', () => acceptor.accept(theirs))
  return ours
}

/** Both ends of a connection, and what the world does to it. */
class SimConnection implements Connection {
  readonly ours: SimLink
  readonly theirs: SimLink
  readonly #wire: Wire

  constructor(wire: Wire, dialler: Life, acceptor: Life) {
    const over = (): void => this.#forgetIfOver()
    this.#wire = wire
    this.ours = new SimLink(wire, dialler, acceptor.machine, over)
    this.theirs = new SimLink(wire, acceptor, dialler.machine, over)
    const there = new SimPipe(wire, this.ours, this.theirs)
    const back = new SimPipe(wire, this.theirs, this.ours)
    this.ours.join(this.theirs, there, back)
    this.theirs.join(this.ours, back, there)
  }

  changed(): void {
    this.ours.out.changed()
    this.theirs.out.changed()
  }

  crashed(life: Life, silent: boolean): void {
    for (const end of [this.ours, this.theirs]) if (end.life === life) end.crash(silent)
    this.#forgetIfOver()
  }

  broken(from: ReadonlySet<string>, to: ReadonlySet<string>, halfOpen: boolean): void {
    const isAlong = (end: SimLink): boolean => from.has(end.machine.name) && to.has(end.peer)
    const first = [this.ours, this.theirs].find(isAlong)
    if (first === undefined) return
    first.break()
    if (!halfOpen) (first === this.ours ? this.theirs : this.ours).break()
  }

  #forgetIfOver(): void {
    const isOver = (end: SimLink): boolean => end.isClosed || end.isDead
    if (isOver(this.ours) && isOver(this.theirs)) this.#wire.connections.delete(this)
  }
}

/** One end of a connection. */
class SimLink implements RawLink, PipeEnd, LaneOwner {
  readonly wire: Wire
  readonly life: Life
  readonly machine: Machine
  readonly unit: Unit
  readonly peer: string
  readonly maxFrameBytes: number
  readonly closed: Promise<LinkClosed>
  isClosed = false
  isDead = false
  isDeaf = false
  readonly #lanes: readonly SimLane[]
  readonly #over: () => void
  #resolve: (closed: LinkClosed) => void = () => {}
  #joint: { readonly other: SimLink; readonly out: SimPipe; readonly back: SimPipe } | undefined

  constructor(wire: Wire, life: Life, peer: Machine, over: () => void) {
    this.wire = wire
    this.life = life
    this.machine = life.machine
    this.unit = life.unit
    this.peer = peer.name
    this.maxFrameBytes = life.maxFrameBytes
    this.#lanes = Array.from({ length: simLanes }, (_none, n) => new SimLane(this, n))
    this.#over = over
    this.closed = new Promise((resolve) => {
      this.#resolve = resolve
    })
  }

  /** Before anything else is done with it. */
  join(other: SimLink, out: SimPipe, back: SimPipe): void {
    this.#joint = { other, out, back }
    for (const [n, lane] of this.#lanes.entries()) lane.join(other.#lanes[n] as SimLane)
  }

  get out(): SimPipe {
    return this.#joined().out
  }

  get back(): SimPipe {
    return this.#joined().back
  }

  lane(n: number): RawLane {
    return this.#lanes[Math.min(Math.max(n, 0), simLanes - 1)] as SimLane
  }

  close(reason: string): void {
    if (this.isClosed) return
    this.#settle({ local: true, reason })
    const { other, out } = this.#joined()
    out.sendControl('closed', () => other.lost(reason))
  }

  receive(lane: number, frame: Uint8Array): void {
    if (this.isClosed) drop(this.wire, this.unit, this.peer, 'closed')
    else (this.#lanes[lane] as SimLane).receive(frame)
  }

  lost(reason: string): void {
    if (!this.isClosed) this.#settle({ local: false, reason })
  }

  /** The connection breaks here: this end notices in an event of its own, and hears nothing from now on. */
  break(): void {
    this.isDeaf = true
    const { kernel } = this.wire
    kernel.schedule(this.unit, kernel.nowUs, 'recv', () => this.lost('reset'), { peer: this.peer, msg: () => 'reset' })
  }

  crash(silent: boolean): void {
    this.isClosed = true
    this.isDead = true
    for (const lane of this.#lanes) lane.discard()
    this.out.senderCrashed(silent)
    this.back.receiverCrashed()
  }

  #joined(): { readonly other: SimLink; readonly out: SimPipe; readonly back: SimPipe } {
    if (this.#joint === undefined) throw new Error('A link is joined before it is used')
    return this.#joint
  }

  #settle(closed: LinkClosed): void {
    this.isClosed = true
    for (const lane of this.#lanes) lane.discard()
    this.wire.kernel.note(this.unit, 'close', { peer: this.peer, msg: () => closed.reason })
    this.#resolve(closed)
    this.life.forget(this)
    this.#over()
  }
}
