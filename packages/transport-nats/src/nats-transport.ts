import { TransportError } from '@skerry/core'
import type { Platform } from '@skerry/core/platform'
import type {
  NodeId,
  RawLink,
  Transport,
  TransportFeatures,
  TransportHost,
  TransportSpec,
  TransportStarted,
} from '@skerry/core/transport'
import { fits } from './broadcast.ts'
import { checkOptions, type CheckedOptions, isAdmitted, type NatsTransportOptions } from './options.ts'
import { generateIdentity, readIdentity } from './identity.ts'
import type { RunningNats, startNats } from './running-nats.ts'
import { createSignatures, type Signatures } from './signatures.ts'

/**
 * The mesh over NATS: every link a session over subjects of the server, sealed from end to end. For those who run NATS already,
 * or whose nodes can reach a server but not each other. Plain data, so that the thread which runs the mesh can load the
 * client and no other thread has to. Throws `ERR_TRANSPORT_START` for bad options.
 *
 * @example
 * const { privateKey } = await createIdentity()
 * const transport = natsTransport({ cluster: 'shop', secrets: [secret], privateKey, servers: ['nats://nats.internal:4222'] })
 * const node = await startNode(app, { transport })
 */
export function natsTransport(options: NatsTransportOptions): TransportSpec {
  checkOptions(options)
  const { thread } = options
  return { module: import.meta.url, export: 'createNatsTransport', options, ...(thread !== undefined && { thread }) }
}

/** The factory that `natsTransport` names. Throws `ERR_TRANSPORT_START` and the option's name when one is bad. */
export function createNatsTransport(options: unknown): Transport {
  return new NatsTransport(checkOptions(options), options as NatsTransportOptions)
}

type Listener = (via: NodeId, record: Uint8Array) => void

class NatsTransport implements Transport {
  readonly supports: TransportFeatures
  readonly #options: CheckedOptions
  readonly #given: NatsTransportOptions
  /** By topic. Subscriptions may come before `start`. */
  readonly #listeners = new Map<string, Listener[]>()
  /** Where another instance of this node runs. */
  #signatures: Signatures | undefined
  #running: RunningNats | undefined
  #starting: Promise<RunningNats> | undefined
  #stopping: Promise<void> | undefined

  constructor(options: CheckedOptions, given: NatsTransportOptions) {
    this.#options = options
    this.#given = given
    this.supports = { lanes: 3, gossip: true, maxFrameBytes: options.maxFrameBytes }
  }

  async start(host: TransportHost, platform: Platform): Promise<TransportStarted> {
    if (this.#starting !== undefined) throw new Error('Assertion failed: the transport is started once')
    if (this.#stopping !== undefined) throw stopped()
    this.#starting = loadAndStart(this.#options, host, platform, (topic, via, record) =>
      this.#heard(topic, via, record),
    )
    const running = await this.#starting
    if (this.#stopping !== undefined) throw stopped()
    this.#running = running
    const { roles = [] } = this.#options.identities.get(running.id) ?? {}
    return { id: running.id, addresses: [running.address], roles }
  }

  async settle(): Promise<NatsTransportOptions> {
    const privateKey = this.#options.privateKey ?? generateIdentity().privateKey
    this.#signatures = createSignatures(readIdentity(privateKey))
    return { ...this.#given, privateKey }
  }

  async dial(address: string, expect: NodeId | undefined, signal: AbortSignal): Promise<RawLink> {
    const running = this.#running
    if (running === undefined || this.#stopping !== undefined) throw stopped()
    return await running.dial(address, expect, signal)
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop()
    return this.#stopping
  }

  publish(topic: string, record: Uint8Array): void {
    if (!fits(topic, record)) {
      const problem = `A record of ${record.byteLength} bytes under a topic of ${topic.length} characters is too large`
      throw new TransportError('ERR_FRAME_TOO_LARGE', problem)
    }
    if (this.#stopping === undefined) this.#running?.publish(topic, record)
  }

  subscribe(topic: string, on: Listener): void {
    this.#listeners.set(topic, [...(this.#listeners.get(topic) ?? []), on])
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
    return isAdmitted(this.#options, node) ? this.#options.identities.get(node)?.regions : []
  }

  /** Whether anybody listens to that topic. */
  #heard(topic: string, via: NodeId, record: Uint8Array): boolean {
    if (this.#stopping !== undefined) return true
    const listeners = this.#listeners.get(topic)
    // A copy for each: what one listener does to its bytes is not to be seen by another.
    for (const on of listeners ?? []) on(via, new Uint8Array(record))
    return listeners !== undefined
  }

  async #stop(): Promise<void> {
    // A start that failed has told its caller, and left nothing to stop.
    const running = await this.#starting?.catch(() => undefined)
    await running?.stop()
    this.#listeners.clear()
  }
}

/** The client is loaded here and not with this file: most threads only pass the options on. */
async function loadAndStart(...given: Parameters<typeof startNats>): Promise<RunningNats> {
  const loaded = await import('./running-nats.ts')
  return await loaded.startNats(...given)
}

function stopped(): TransportError {
  return new TransportError('ERR_TRANSPORT_STOPPED', 'The NATS transport is not running')
}
