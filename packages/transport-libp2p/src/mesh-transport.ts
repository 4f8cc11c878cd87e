import { TransportError } from '@skerry/core'
import type { Platform } from '@skerry/core/platform'
import type {
  NodeId,
  RawLink,
  Transport,
  TransportFeatures,
  TransportHost,
  TransportStarted,
} from '@skerry/core/transport'
import { Gossip } from './gossip.ts'
import type { CreateLineNode } from './line.ts'
import { checkOptions, type CheckedOptions, type Libp2pTransportOptions } from './options.ts'
import type { RunningMesh } from './running-mesh.ts'
import type { Signatures } from './signatures.ts'

/** Loads a line of libp2p. Only the thread that runs the mesh does: it takes 300 ms, and most threads only pass the options on. */
export type LoadLine = () => Promise<CreateLineNode>

/** The mesh over a line of libp2p. */
export class MeshTransport implements Transport {
  readonly supports: TransportFeatures
  readonly #loadLine: LoadLine
  readonly #options: CheckedOptions
  readonly #given: Libp2pTransportOptions
  /** Subscriptions may come before `start`. */
  readonly #subscriptions: [topic: string, on: (via: NodeId, record: Uint8Array) => void][] = []
  readonly #dials = new Set<AbortController>()
  /** Where another instance of this node runs. */
  #signatures: Signatures | undefined
  #gossip: Gossip | undefined
  #running: RunningMesh | undefined
  #starting: Promise<RunningMesh> | undefined
  #stopping: Promise<void> | undefined

  /** Throws `ERR_TRANSPORT_START` and the option's name when one is bad. */
  constructor(loadLine: LoadLine, given: unknown) {
    const options = checkOptions(given)
    this.#loadLine = loadLine
    this.#options = options
    this.#given = given as Libp2pTransportOptions
    this.supports = { lanes: 3, gossip: true, maxFrameBytes: options.maxFrameBytes }
  }

  async start(host: TransportHost, platform: Platform): Promise<TransportStarted> {
    if (this.#starting !== undefined) throw new Error('Assertion failed: the transport is started once')
    if (this.#stopping !== undefined) throw stopped()
    const { log, clock } = platform
    this.#gossip = new Gossip({ log, clock, dropped: () => host.uncarried?.('dropped', 1) })
    for (const [topic, on] of this.#subscriptions) this.#gossip.subscribe(topic, on)
    this.#starting = this.#load(host, platform, this.#gossip)
    const running = await this.#starting
    if (this.#stopping !== undefined) throw stopped()
    this.#running = running
    const { secrets, identitiesOnly } = this.#options
    if (secrets.length === 0 && !identitiesOnly && !running.addresses.every(isLoopback)) {
      platform.log.warn({ addresses: running.addresses }, 'no cluster secret: whoever reaches the port is a member')
    }
    for (const seed of this.#options.seeds) if (!isOneOf(running.addresses, seed)) host.found(seed)
    const { roles = [] } = this.#options.identities.get(running.id) ?? {}
    return { id: running.id, addresses: running.addresses, roles }
  }

  async settle(): Promise<Libp2pTransportOptions> {
    // No libp2p, but its keys.
    const [{ generateIdentity, readIdentity }, { createSignatures }] = await Promise.all([
      import('./identity.ts'),
      import('./signatures.ts'),
    ])
    const privateKey = this.#options.privateKey ?? (await generateIdentity()).privateKey
    this.#signatures = createSignatures(await readIdentity(privateKey))
    return { ...this.#given, privateKey }
  }

  /** An abort rejects at once; a link that libp2p still delivers after it is closed. */
  async dial(address: string, expect: NodeId | undefined, signal: AbortSignal): Promise<RawLink> {
    const running = this.#running
    if (running === undefined || this.#stopping !== undefined) throw stopped()
    // Not AbortSignal.any: on Node 20 it leaks when one of its signals lives long.
    const aborter = new AbortController()
    const abort = (): void => aborter.abort(signal.reason)
    if (signal.aborted) abort()
    signal.addEventListener('abort', abort, { once: true })
    this.#dials.add(aborter)
    try {
      return await untilAborted(running.dial(address, expect, aborter.signal), address, aborter.signal)
    } finally {
      signal.removeEventListener('abort', abort)
      this.#dials.delete(aborter)
    }
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop()
    return this.#stopping
  }

  publish(topic: string, record: Uint8Array): void {
    this.#gossip?.publish(topic, record)
  }

  subscribe(topic: string, on: (via: NodeId, record: Uint8Array) => void): void {
    if (this.#gossip === undefined) this.#subscriptions.push([topic, on])
    else this.#gossip.subscribe(topic, on)
  }

  sign(bytes: Uint8Array): Uint8Array {
    const signatures = this.#running ?? this.#signatures
    if (signatures === undefined) throw new Error('Assertion failed: sign before start')
    return signatures.sign(bytes)
  }

  verify(author: NodeId, bytes: Uint8Array, signature: Uint8Array): boolean {
    return (this.#running ?? this.#signatures)?.verify(author, bytes, signature) ?? false
  }

  regionsOf(node: NodeId): readonly string[] | undefined {
    const { identities, identitiesOnly } = this.#options
    const identity = identities.get(node)
    // None may be said by who is no member.
    return identity === undefined && identitiesOnly ? [] : identity?.regions
  }

  async #load(host: TransportHost, platform: Platform, gossip: Gossip): Promise<RunningMesh> {
    const [createNode, { startMesh }] = await Promise.all([this.#loadLine(), import('./running-mesh.ts')])
    return await startMesh(createNode, this.#options, host, platform, gossip)
  }

  async #stop(): Promise<void> {
    for (const dial of this.#dials) dial.abort(stopped())
    // A start that failed has told its caller, and left nothing to stop.
    const running = await this.#starting?.catch(() => undefined)
    await running?.stop()
  }
}

async function untilAborted(dialling: Promise<RawLink>, address: string, signal: AbortSignal): Promise<RawLink> {
  let abort: (() => void) | undefined
  const aborted = new Promise<never>((_, reject) => {
    abort = () => {
      const reason: unknown = signal.reason
      if (reason instanceof TransportError) reject(reason)
      else reject(new TransportError('ERR_DIAL_FAILED', `Dialling ${address} was aborted`, { cause: reason }))
    }
    if (signal.aborted) abort()
    else signal.addEventListener('abort', abort, { once: true })
  })
  try {
    return await Promise.race([dialling, aborted])
  } catch (error) {
    dialling.then(
      (link) => link.close('The dial was aborted'),
      // The caller has its error already; this is the same one, or what the abort made of the dial.
      () => undefined,
    )
    throw error
  }
}

/** All nodes may have the same list of seeds, with their own address in it. Our addresses end in `/p2p/<id>`; seeds may. */
function isOneOf(addresses: readonly string[], seed: string): boolean {
  return addresses.some((address) => address === seed || address.replace(/\/p2p\/[^/]+$/, '') === seed)
}

function isLoopback(address: string): boolean {
  return /^\/(?:ip4\/127\.|ip6\/::1\/)/.test(address)
}

function stopped(): TransportError {
  return new TransportError('ERR_TRANSPORT_STOPPED', 'The libp2p transport is not running')
}
