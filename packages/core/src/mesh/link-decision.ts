import { type Greeting, protocolVersion, protocolVersionMin, type RefusalCode } from './link-message.ts'
import type { NodeId } from './transport.ts'

/** The last that a peer said of itself: its life, and the highest epoch seen in it. */
export interface PeerEpoch {
  readonly life: number
  readonly epoch: number
}

/** Whom the transport authenticated at the other end, and the regions that it may be in; any, if there are none. */
export interface AuthenticatedPeer {
  readonly peer: NodeId
  readonly regions?: readonly string[] | undefined
}

export interface HelloFacts {
  readonly self: { readonly node: NodeId; readonly cluster: string }
  readonly peer: AuthenticatedPeer
  readonly hello: Greeting
  /** What we last heard of this peer, on any link, also one that is over. */
  readonly latest: PeerEpoch | undefined
  /** Whether we hold a link to the peer that is up. */
  readonly linked: boolean
  /** Whether a hello of ours waits for this peer's answer. */
  readonly helloPending: boolean
}

export type HelloVerdict =
  | {
      readonly kind: 'accept'
      /** The peer regards the link that we hold as dead: it ends first. */
      readonly supersede: boolean
      /** Our own hello lost: its link is given up first. */
      readonly abandon: boolean
    }
  | { readonly kind: 'refuse'; readonly code: RefusalCode; readonly text: string }

/**
 * Whether to take a link that a peer dialled. Both ends come to hold the same one link, because
 * - every hello and accept carries a higher epoch than the ones before it in that life, and a node says hello only when
 *   it holds no link: a higher epoch than the latest means that the peer gave up all before it, and one not higher is
 *   a leftover of something that it gave up since;
 * - of two hellos that cross, the smaller node id's wins, and the acceptor alone decides so. A hello that was not sent
 *   yet does not count: we may never get through to a peer that can reach us.
 */
export function judgeHello(facts: HelloFacts): HelloVerdict {
  const { self, peer, hello, latest } = facts
  const mismatch = judgeGreeting(self, peer, hello)
  if (mismatch !== undefined) return { kind: 'refuse', ...mismatch }
  if (latest !== undefined && hello.life === latest.life && hello.epoch <= latest.epoch) {
    return duplicate('a newer hello or accept of yours came before this one')
  }
  if (!facts.linked && facts.helloPending && self.node < peer.peer) return duplicate('our own hello is under way')
  return { kind: 'accept', supersede: facts.linked, abandon: facts.helloPending }
}

/** What is wrong with a greeting, whoever it is from: `undefined` when nothing is. */
export function judgeGreeting(
  self: { readonly node: NodeId; readonly cluster: string },
  { peer, regions }: AuthenticatedPeer,
  greeting: Greeting,
): { readonly code: RefusalCode; readonly text: string } | undefined {
  if (greeting.node !== peer) {
    return { code: 'ERR_WRONG_PEER', text: `the transport authenticated ${peer}, not ${greeting.node}` }
  }
  if (greeting.protocolVersion < protocolVersionMin || greeting.protocolVersionMin > protocolVersion) {
    const ours = `${protocolVersionMin} to ${protocolVersion}`
    const theirs = `${greeting.protocolVersionMin} to ${greeting.protocolVersion}`
    return { code: 'ERR_PROTOCOL_VERSION', text: `link protocol ${ours} here, ${theirs} there` }
  }
  if (greeting.cluster !== self.cluster) return { code: 'ERR_WRONG_CLUSTER', text: `this is ${self.cluster}` }
  if (regions !== undefined && !regions.includes(greeting.region)) {
    return { code: 'ERR_WRONG_REGION', text: `${peer} may not be in ${greeting.region}` }
  }
  return undefined
}

function duplicate(text: string): HelloVerdict {
  return { kind: 'refuse', code: 'ERR_DUPLICATE_LINK', text }
}
