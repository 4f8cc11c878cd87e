import {
  createPeerLinks,
  type LinkRefusal,
  type PeerLinks,
  type PeerLinkSettings,
  type SendResult,
} from '@skerry/core/simulation'
import type { Platform } from '@skerry/core/platform'
import type { RawLink, Transport } from '@skerry/core/transport'
import type { Waits } from './waits.ts'

/** What core says in its hello. */
export const conformanceCluster = 'conformance'

/** A node that runs core's links (hello, heartbeat, redialling, order) over a transport under test. */
export interface CoreNode {
  readonly id: string
  readonly address: string
  readonly links: PeerLinks
  /** Dials this node until there is a link, and again whenever it is lost. */
  keepDialling(to: { readonly id: string; readonly address: string }): void
  send(to: { readonly id: string }, frame: Uint8Array): SendResult
  /** How often a link came up, and how often one went down. */
  readonly ups: number
  readonly downs: number
  readonly refusals: readonly LinkRefusal[]
  /** All frames that came, oldest first. */
  readonly frames: readonly Uint8Array[]
  /** The raw links that the transport handed over and that are not closed, oldest first. */
  openLinks(): readonly RawLink[]
  /** Resolves as soon as `holds` does. It is asked whenever something happens to the links of this node. */
  until(what: string, holds: () => boolean): Promise<void>
}

export interface CoreNodeOptions {
  /** Default 1. */
  readonly life?: number
  readonly on?: {
    up?(): void
    frame?(frame: Uint8Array): void
  }
}

// Quicker than in production, because a case may wait for all of them, and slower than any round trip on earth.
const settings: Partial<PeerLinkSettings> = {
  heartbeatMs: 100,
  silentMs: 600,
  deadMs: 1_500,
  dialTimeoutMs: 2_000,
  handshakeTimeoutMs: 2_000,
  redialFirstMs: 20,
  redialMaxMs: 200,
  otherSideDialMs: 100,
}

export function startCoreNode(
  transport: Transport,
  given: CoreNodeOptions & { readonly member: string; readonly waits: Waits; readonly platform: Platform },
): { readonly links: { stop(): Promise<void> }; readonly started: Promise<CoreNode> } {
  const { member, waits, platform, life = 1, on = {} } = given
  const open = new Set<RawLink>()
  const frames: Uint8Array[] = []
  const refusals: LinkRefusal[] = []
  let ups = 0
  let downs = 0
  let watchers: (() => boolean)[] = []
  const happened = (): void => {
    watchers = watchers.filter((watch) => !watch())
  }
  const links = createPeerLinks({
    transport: watched(transport, (link) => {
      open.add(link)
      void link.closed.then(() => open.delete(link))
    }),
    platform,
    self: { life, cluster: conformanceCluster, region: member },
    settings,
    on: {
      up() {
        ups += 1
        on.up?.()
        happened()
      },
      down() {
        downs += 1
        happened()
      },
      frame(_peer, frame) {
        frames.push(frame)
        on.frame?.(frame)
        happened()
      },
      control() {},
      suspect() {},
      trusted() {},
      refused(_node, refusal) {
        refusals.push(refusal)
        happened()
      },
    },
  })

  const started = links
    .start()
    .then(({ node: id, addresses: [address = `(${member} is not dialable)`] }): CoreNode => ({
      id,
      address,
      links,
      frames,
      refusals,
      get ups() {
        return ups
      },
      get downs() {
        return downs
      },
      keepDialling: (to) => links.learn(to.address, to.id),
      send: (to, frame) => links.send(to.id, frame),
      openLinks: () => [...open],
      until(what, holds) {
        const wait = new Promise<void>((resolve) => {
          const watch = (): boolean => {
            if (!holds()) return false
            resolve()
            return true
          }
          if (!watch()) watchers.push(watch)
        })
        return waits.until(`${member}: ${what}`, wait)
      },
    }))
  return { links: { stop: () => links.stop('the case is over') }, started }
}

/** The transport as it is, with its raw links seen, and without what it discovers: who is dialled decides the case. */
function watched(transport: Transport, saw: (link: RawLink) => void): Transport {
  return {
    supports: transport.supports,
    start(host, platform) {
      const accepted = (link: RawLink): void => {
        saw(link)
        host.accepted(link)
      }
      return transport.start({ accepted, found() {} }, platform)
    },
    async dial(address, expect, signal) {
      const link = await transport.dial(address, expect, signal)
      saw(link)
      return link
    },
    stop: () => transport.stop(),
    sign: (bytes) => transport.sign(bytes),
    verify: (author, bytes, signature) => transport.verify(author, bytes, signature),
  }
}
