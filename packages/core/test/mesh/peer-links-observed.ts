import { createPeerLinks, type PeerLinks, type PeerLinksOptions } from '../../src/mesh/peer-links.ts'
import type { PeerLinkSettings } from '../../src/mesh/peer-link-settings.ts'
import type { NodeId } from '../../src/mesh/transport.ts'
import type { FakeTransport, World } from './peer-links-world.ts'

export interface ObservedNode {
  readonly node: NodeId
  readonly life: number
  readonly links: PeerLinks
  readonly transport: FakeTransport
  /** Every event, printed: `up b`, `down b closed`, `suspect b`, … */
  readonly events: string[]
  /** Frames and controls as text, with their sender. */
  readonly frames: string[]
  readonly controls: string[]
  /** What broke a promise of PeerLinks. */
  readonly broken: string[]
  /** Sends a numbered frame on the link that is up; the receiver checks the numbers. */
  sendNumbered(to: NodeId): string
  /** Numbered frames sent on the link to this node that is up, and received on it; 0 without a link. */
  sentTo(node: NodeId): number
  receivedFrom(node: NodeId): number
}

export interface ObserveOptions {
  readonly world: World
  readonly node: NodeId
  readonly life?: number
  readonly cluster?: string
  readonly settings?: Partial<PeerLinkSettings>
  readonly clock?: Parameters<World['platform']>[0]
  readonly on?: Partial<PeerLinksOptions['on']>
}

/** A node whose every event is recorded and checked against the promises of `PeerLinksEvents`. */
export function observe(options: ObserveOptions): ObservedNode {
  const { world, node, life = 1, cluster = 'test', settings, on = {} } = options
  const transport = world.transport(node)
  const events: string[] = []
  const frames: string[] = []
  const controls: string[] = []
  const broken: string[] = []
  const sessions = new Map<NodeId, { life: number; epochs: string; sent: number; received: number }>()

  const links: PeerLinks = createPeerLinks({
    transport,
    platform: world.platform(options.clock),
    self: { life, cluster, region: `region-${node}` },
    load: () => ({ load: 0.25, inFlight: 7 }),
    ...(settings !== undefined && { settings }),
    on: {
      up(peer) {
        const state = links.linkTo(peer.node)
        events.push(`up ${peer.node}`)
        if (sessions.has(peer.node)) broken.push(`up ${peer.node} twice`)
        if (state === undefined) broken.push(`up ${peer.node} without a link`)
        const epochs = `${state?.epoch}/${state?.peerEpoch}`
        sessions.set(peer.node, { life: peer.life, epochs, sent: 0, received: 0 })
        on.up?.(peer)
      },
      down(peer, reason, detail) {
        events.push(`down ${peer.node} ${reason}`)
        const session = sessions.get(peer.node)
        if (session === undefined) broken.push(`down ${peer.node} without up`)
        else if (session.life !== peer.life) broken.push(`down ${peer.node} of another life`)
        if (links.linkTo(peer.node) !== undefined) broken.push(`down ${peer.node} with a link`)
        sessions.delete(peer.node)
        on.down?.(peer, reason, detail)
      },
      frame(peer, bytes) {
        const text = new TextDecoder().decode(bytes)
        frames.push(`${peer.node}:${text}`)
        const session = sessions.get(peer.node)
        if (session === undefined) broken.push(`frame of ${peer.node} without a link`)
        else if (text.startsWith('#')) {
          const [epochs, number] = text.slice(1).split(' ')
          if (epochs !== session.epochs)
            broken.push(`frame of ${peer.node} from link ${epochs} on link ${session.epochs}`)
          if (Number(number) !== session.received)
            broken.push(`frame ${number} of ${peer.node}, not ${session.received}`)
          session.received += 1
        }
        on.frame?.(peer, bytes)
      },
      control(peer, bytes) {
        if (!sessions.has(peer.node)) broken.push(`control of ${peer.node} without a link`)
        controls.push(`${peer.node}:${new TextDecoder().decode(bytes)}`)
        on.control?.(peer, bytes)
      },
      suspect(peer) {
        events.push(`suspect ${peer.node}`)
        on.suspect?.(peer)
      },
      trusted(peer) {
        events.push(`trusted ${peer.node}`)
        on.trusted?.(peer)
      },
      refused(peer, refusal) {
        events.push(`refused ${peer} ${refusal.by} ${refusal.code}`)
        on.refused?.(peer, refusal)
      },
    },
  })

  return {
    node,
    life,
    links,
    transport,
    events,
    frames,
    controls,
    broken,
    sendNumbered(to) {
      const session = sessions.get(to)
      if (session === undefined) return links.send(to, new Uint8Array())
      // The receiver's view of the same link has the epochs the other way round.
      const epochs = session.epochs.split('/').reverse().join('/')
      const result = links.send(to, new TextEncoder().encode(`#${epochs} ${session.sent}`))
      if (result === 'sent') session.sent += 1
      return result
    },
    sentTo: (to) => sessions.get(to)?.sent ?? 0,
    receivedFrom: (from) => sessions.get(from)?.received ?? 0,
  }
}

/** What is wrong with the links between two nodes once all is quiet; empty when each has the same one link, with all frames come. */
export function disagreement(world: World, left: ObservedNode, right: ObservedNode): string[] {
  const there = left.links.linkTo(right.node)
  const back = right.links.linkTo(left.node)
  const pair = `${left.node}-${right.node}`
  if (there === undefined || back === undefined) return [`${pair}: ${there?.epoch} and ${back?.epoch}, not both up`]
  const wrong: string[] = []
  if (there.epoch !== back.peerEpoch || there.peerEpoch !== back.epoch) {
    wrong.push(`${pair}: ${there.epoch}/${there.peerEpoch} against ${back.epoch}/${back.peerEpoch}`)
  }
  if (there.life !== right.life || back.life !== left.life) wrong.push(`${pair}: an old life`)
  for (const [from, to] of [
    [left, right],
    [right, left],
  ] as const) {
    const missing = from.sentTo(to.node) - to.receivedFrom(from.node)
    if (missing !== 0) wrong.push(`${pair}: ${missing} frames of ${from.node} never came`)
  }
  const open = world.openLinks(left.node, right.node).length
  if (open !== 1) wrong.push(`${pair}: ${open} raw links open`)
  return wrong
}
