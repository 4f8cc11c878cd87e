import { TransportError } from '@skerry/core'
import { LimitedLog, type Platform } from '@skerry/core/platform'
import type { RawLink, TransportHost } from '@skerry/core/transport'
import { ConnectionUses } from './connection-uses.ts'
import { dialError } from './dial-error.ts'
import { dialTarget, peerIn } from './dial-target.ts'
import type { Gossip } from './gossip.ts'
import { GossipWatchdog } from './gossip-watchdog.ts'
import { readIdentity } from './identity.ts'
import type { OpenedStream } from './lane.ts'
import { LaneAcceptor } from './lane-acceptor.ts'
import { openLanes } from './lane-preamble.ts'
import type { CreateLineNode, LineConnection, LineNode } from './line.ts'
import type { CheckedOptions } from './options.ts'
import { LaneLink } from './raw-link.ts'
import { createSignatures, type Signatures } from './signatures.ts'

/** The part of the transport that exists from `start` to `stop`. */
export interface RunningMesh extends Signatures {
  readonly id: string
  readonly addresses: readonly string[]
  dial(address: string, expect: string | undefined, signal: AbortSignal): Promise<RawLink>
  stop(): Promise<void>
}

export async function startMesh(
  createNode: CreateLineNode,
  options: CheckedOptions,
  host: TransportHost,
  platform: Platform,
  gossip: Gossip,
): Promise<RunningMesh> {
  const identity = await readIdentity(options.privateKey)
  const { clock, random, turns } = platform
  // Of what strangers and peers can bring about: whoever reaches the port connects as often as it likes.
  const limitedLog = new LimitedLog(platform, { by: ['peer'] })
  const refused = (): void => host.uncarried?.('refused', 1)
  const node = await created(options, () => createNode(options, identity, limitedLog, refused))
  const links = new Set<LaneLink>()
  const uses = new ConnectionUses({ clock, connectionsTo: (peer) => connectionsTo(node, peer) })
  const watchdog = new GossipWatchdog(node, clock, limitedLog)
  const acceptor = new LaneAcceptor({
    clock,
    log: limitedLog,
    refused,
    complete: (connection, streams) => host.accepted(addLink(connection, streams)),
  })

  function addLink(connection: LineConnection, streams: readonly OpenedStream[]): LaneLink {
    const { maxFrameBytes } = options
    const known = options.identities.get(connection.remotePeer.toString())
    const link = new LaneLink({ connection, identity: known, streams, maxFrameBytes, clock, turns, gone: removeLink })
    links.add(link)
    uses.begin(link.peer)
    return link
  }

  function removeLink(link: LaneLink): void {
    links.delete(link)
    uses.end(link.peer)
  }

  async function dial(address: string, expect: string | undefined, signal: AbortSignal): Promise<RawLink> {
    const target = dialTarget(address, expect, identity.id)
    // Who must be there is known of addresses that others told.
    if (expect !== undefined && options.dialNetworks?.has(target) === false) {
      throw new TransportError('ERR_DIAL_FAILED', `${address} is outside of dialNetworks`)
    }
    try {
      return await dialOnce(target, false, signal)
    } catch (error) {
      // The connection that libp2p hands back may be closing already (also under our hands). A fresh one is tried once.
      if (signal.aborted || !isConnectionClosing(error)) throw error
      return await dialOnce(target, true, signal)
    }
  }

  async function dialOnce(target: string, force: boolean, signal: AbortSignal): Promise<RawLink> {
    const connection = await node.dial(target, { signal, force })
    const peer = connection.remotePeer.toString()
    const expected = peerIn(target)
    if (expected !== undefined && expected !== peer) {
      throw new TransportError('ERR_WRONG_PEER', `Expected ${expected}, found ${peer}`)
    }
    if (connection.status !== 'open') throw new ConnectionClosingError()
    uses.begin(peer)
    try {
      return addLink(connection, await openLanes(() => node.openStream(connection, signal), random))
    } finally {
      uses.end(peer)
    }
  }

  const events: Parameters<LineNode['start']>[0] = {
    opened: ({ remotePeer }) => uses.closeIfUnused(remotePeer.toString()),
    closed: ({ id }) => {
      for (const link of links) if (link.connection.id === id) link.connectionClosed()
    },
    stream: (connection, stream) => void acceptor.accept(connection, stream),
  }
  await created(options, async () => await node.start(events))
  gossip.start(node.gossip)
  watchdog.start()

  return {
    ...createSignatures(identity),
    id: identity.id,
    addresses: node.addresses(),
    dial: async (address, expect, signal) => {
      try {
        return await dial(address, expect, signal)
      } catch (error) {
        throw dialError(error, address)
      }
    },
    async stop() {
      for (const link of links) link.close('The transport stops')
      acceptor.stop()
      watchdog.stop()
      uses.stop()
      gossip.stop()
      await node.stop()
      limitedLog.stop()
    },
  }
}

async function created<T>({ listen }: CheckedOptions, create: () => Promise<T>): Promise<T> {
  try {
    return await create()
  } catch (cause) {
    const problem = cause instanceof Error ? cause.message : String(cause)
    throw new TransportError('ERR_TRANSPORT_START', `libp2p can't listen at ${listen.join(', ')}: ${problem}`, {
      cause,
    })
  }
}

function connectionsTo(node: LineNode, peer: string): readonly LineConnection[] {
  return node.connections().filter((connection) => connection.remotePeer.toString() === peer)
}

class ConnectionClosingError extends Error {
  constructor() {
    super('The connection is closing')
    this.name = 'ConnectionClosingError'
  }
}

// What of a negotiation is left when its connection closes under it; and what a dial gets that was joined to another one, whose caller
// gave it up.
const closingErrors = [
  'ConnectionClosingError',
  'ConnectionClosedError',
  'MuxerClosedError',
  'StreamResetError',
  'UnexpectedEOFError',
  'AbortError',
]

function isConnectionClosing(error: unknown): boolean {
  return error instanceof Error && closingErrors.includes(error.name)
}
