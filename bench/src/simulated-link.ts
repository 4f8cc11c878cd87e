import type { RawLink } from '@skerry/core/transport'

/** What is counted of a node. */
export interface NodeTraffic {
  heartbeats: number
  membership: number
  bytes: number
}

/** As much of a node as a link needs. */
export interface RawNode {
  readonly name: string
  readonly traffic: NodeTraffic
  /** Runs what came from others in order, when this node runs. */
  hear(act: () => void): void
}

/** As much of the world. */
export interface RawWorld<Node> {
  readonly now: number
  hasPromises: boolean
  isCut(one: Node, other: Node): boolean
  /** When what is sent now from one to the other arrives, apart from what was sent before. */
  arrivalMs(from: Node, to: Node): number
  at(atMs: number, run: () => void): unknown
}

interface RawEnd extends RawLink {
  receive(frame: Uint8Array): void
}

/** Kinds of link messages: what is counted as what. */
const [pingKind, pongKind, controlKind] = [3, 4, 6]

/** Both ends of a link that one dialled to the other. */
export function rawPair<Node extends RawNode>(world: RawWorld<Node>, dialler: Node, acceptor: Node): [RawEnd, RawEnd] {
  const near = rawEnd(world, dialler, acceptor, () => far)
  const far: RawEnd = rawEnd(world, acceptor, dialler, () => near)
  return [near, far]
}

function rawEnd<Node extends RawNode>(world: RawWorld<Node>, self: Node, peer: Node, other: () => RawEnd): RawEnd {
  let onFrame: ((frame: Uint8Array) => void) | undefined
  let waiting: Uint8Array[] = []
  let lastMs = 0
  let isClosed = false
  /** What a cut stopped goes on when it heals, as in TCP. */
  const send = (frame: Uint8Array): void => {
    if (isClosed) return
    if (world.isCut(self, peer)) {
      world.at(world.now + 500, () => send(frame))
      return
    }
    lastMs = Math.max(lastMs, world.arrivalMs(self, peer))
    world.at(lastMs, () => peer.hear(() => other().receive(frame)))
  }
  let closed: (end: { local: boolean; reason: string }) => void = () => undefined
  const whenClosed = new Promise<{ local: boolean; reason: string }>((resolve) => (closed = resolve))
  const finish = (local: boolean, reason: string): void => {
    if (isClosed) return
    isClosed = true
    world.hasPromises = true
    closed({ local, reason })
  }
  const lane = {
    send(frame: Uint8Array): boolean {
      const [kind] = frame
      if (kind === pingKind || kind === pongKind) self.traffic.heartbeats += 1
      else if (kind === controlKind) self.traffic.membership += 1
      self.traffic.bytes += frame.byteLength
      send(frame)
      return true
    },
    onDrain: () => undefined,
    onFrame(listener: (frame: Uint8Array) => void): void {
      onFrame = listener
      const early = waiting
      waiting = []
      for (const frame of early) listener(frame)
    },
    pause: () => undefined,
    resume: () => undefined,
  }
  const end: RawEnd & { finish: typeof finish } = {
    peer: peer.name,
    lane: () => lane,
    closed: whenClosed,
    receive(frame) {
      if (isClosed) return
      if (onFrame === undefined) waiting.push(frame)
      else onFrame(frame)
    },
    finish,
    close(reason) {
      if (isClosed) return
      finish(true, reason)
      if (world.isCut(self, peer)) return
      lastMs = Math.max(lastMs, world.arrivalMs(self, peer))
      world.at(lastMs, () => peer.hear(() => (other() as typeof end).finish(false, reason)))
    },
  }
  return end
}
