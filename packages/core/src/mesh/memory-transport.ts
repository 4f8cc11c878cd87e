import { createHmac, timingSafeEqual } from 'node:crypto'
import { assert } from '../base/assert.ts'
import { deferred } from '../base/deferred.ts'
import { RingQueue } from '../base/ring-queue.ts'
import type { Platform, TurnQueue } from '../platform/platform.ts'
import { TransportError } from './errors.ts'
import { type Hub, type HubNode, Hubs, type MemoryNetwork } from './memory-hub.ts'
import { MemoryLink, memoryLanes } from './memory-link.ts'
import { type CheckedMemoryOptions, checkMemoryOptions, type MemoryTransportOptions } from './memory-options.ts'
import type {
  NodeId,
  RawLink,
  Transport,
  TransportFeatures,
  TransportHost,
  TransportSpec,
  TransportStarted,
} from './transport.ts'

export type { MemoryTransportOptions } from './memory-options.ts'

/**
 * The mesh inside one thread: the default of a node on its own, and several nodes in one process for tests and trials.
 * It protects nothing, neither from strangers nor by its signatures: all its nodes share one memory.
 *
 * @example
 * const shop = await startNode(app, { transport: memoryTransport({ hub: 'shop', id: 'a' }) })
 * const other = await startNode(app, { transport: memoryTransport({ hub: 'shop', id: 'b' }) })
 * await shop.rpc('b', upcase, 'fly')
 */
export function memoryTransport(options: MemoryTransportOptions = {}): TransportSpec {
  checkMemoryOptions(options)
  return { module: import.meta.url, export: 'createMemoryTransport', options }
}

/** The factory that `memoryTransport` names. Throws `ERR_TRANSPORT_START` and the option's name when one is bad. */
export function createMemoryTransport(options: unknown): Transport {
  return new MemoryTransport(checkMemoryOptions(options))
}

/**
 * The way between the nodes of a hub of this thread, which a test cuts and breaks. Until its `end` the hub stays, with nodes or
 * without.
 *
 * @example
 * const network = memoryNetwork('shop')
 * network.cut()
 * network.heal()
 */
export function memoryNetwork(hub: string): MemoryNetwork {
  return hubs.network(hub)
}

// One module instance is one thread.
const hubs = new Hubs<MemoryTransport>()

const recordBytesMax = 16 * 1024
const recordsWaitingMax = 1024

class MemoryTransport implements Transport, HubNode {
  readonly supports: TransportFeatures
  readonly #options: CheckedMemoryOptions
  readonly #links = new Set<MemoryLink>()
  readonly #dials = new Set<(error: TransportError) => void>()
  readonly #subscribers = new Map<string, ((via: NodeId, record: Uint8Array) => void)[]>()
  readonly #records = new RingQueue<{ topic: string; via: NodeId; record: Uint8Array }>()
  #recordsDropped = 0
  #state: 'new' | 'running' | 'stopped' = 'new'
  #id: NodeId = ''
  #host: TransportHost | undefined
  #platform: Platform | undefined
  #hub: Hub<MemoryTransport> | undefined
  /** Dials that the way holds up: as many as are under way. */
  #heldUp: { readonly givenUp: () => boolean; readonly goOn: () => void }[] = []

  constructor(options: CheckedMemoryOptions) {
    this.#options = options
    this.supports = { lanes: memoryLanes, gossip: true, maxFrameBytes: options.maxFrameBytes }
  }

  // Not an async function: what it does is done when it returns, and only the answer takes a promise.
  start(host: TransportHost, platform: Platform): Promise<TransportStarted> {
    assert(this.#state !== 'running', 'a transport is started once')
    if (this.#state === 'stopped') return Promise.reject(stopped())
    const id = this.#options.id ?? platform.random.id()
    const { hub: hubName, roles } = this.#options
    if (hubName !== undefined) {
      const problem = hubs.enter(hubName, id, this)
      if (problem !== undefined) return Promise.reject(new TransportError('ERR_TRANSPORT_START', problem))
    }
    this.#id = id
    this.#host = host
    this.#platform = platform
    this.#state = 'running'
    if (hubName === undefined) return Promise.resolve({ id, addresses: [], roles })
    this.#hub = hubs.get(hubName)
    const others = new Map(this.#hub?.nodes)
    others.delete(id)
    for (const [, other] of others) other.#found(id)
    for (const found of new Set([...others.keys(), ...this.#options.seeds])) if (found !== id) this.#found(found)
    return Promise.resolve({ id, addresses: [addressOf(hubName, id)], roles })
  }

  dial(address: string, expect: NodeId | undefined, signal: AbortSignal): Promise<RawLink> {
    const platform = this.#platform
    if (this.#state !== 'running' || platform === undefined) return Promise.reject(stopped())
    if (signal.aborted) return Promise.reject(dialAborted(address, signal))
    const { promise, resolve, reject } = deferred<RawLink>()
    let ours: MemoryLink | undefined
    let settled = false

    const settle = (): boolean => {
      const isFirst = !settled
      settled = true
      signal.removeEventListener('abort', abort)
      this.#dials.delete(fail)
      return isFirst
    }
    const fail = (error: TransportError): void => {
      if (!settle()) return
      ours?.close('The dial was given up')
      reject(error)
    }
    const abort = (): void => fail(dialAborted(address, signal))
    const answer = (outcome: MemoryLink | TransportError): void => {
      if (outcome instanceof MemoryLink) ours = outcome
      if (settled) return outcome instanceof MemoryLink ? outcome.close('The dial was given up') : undefined
      inTurn(platform.turns, () => {
        if (outcome instanceof TransportError) fail(outcome)
        else if (settle()) resolve(outcome)
      })
    }
    signal.addEventListener('abort', abort, { once: true })
    this.#dials.add(fail)
    inTurn(platform.turns, () => this.#knock(address, expect, () => settled, answer))
    return promise
  }

  /** The first half of a dial, on our side: finds the peer, which decides in a turn of its own. */
  #knock(
    address: string,
    expect: NodeId | undefined,
    givenUp: () => boolean,
    answer: (outcome: MemoryLink | TransportError) => void,
  ): void {
    if (this.#hub?.isCut === true) {
      const goOn = (): void => this.#knock(address, expect, givenUp, answer)
      this.#heldUp = this.#heldUp.filter((one) => !one.givenUp())
      this.#heldUp.push({ givenUp, goOn })
      return
    }
    const peer = this.#resolve(address)
    if (peer === this) return answer(new TransportError('ERR_OWN_ADDRESS', `${address} is our own`))
    if (peer === undefined) return answer(new TransportError('ERR_DIAL_FAILED', `Nobody at ${address.slice(0, 400)}`))
    if (expect !== undefined && peer.#id !== expect) {
      return answer(new TransportError('ERR_WRONG_PEER', `${address} is not the node ${expect}`))
    }
    inTurn(peer.#running().turns, () => {
      if (!givenUp()) answer(peer.#admit(this))
    })
  }

  /** The second half, at the peer. */
  #admit(dialler: MemoryTransport): MemoryLink | TransportError {
    if (this.#state !== 'running') return new TransportError('ERR_DIAL_FAILED', `${this.#id} stopped meanwhile`)
    const { cluster, secret } = this.#options
    if (dialler.#options.cluster !== cluster || dialler.#options.secret !== secret) {
      return new TransportError('ERR_PEER_REFUSED', `${this.#id} has another cluster name or another secret`)
    }
    const ours = this.#newEnd(dialler)
    const theirs = dialler.#newEnd(this)
    ours.join(theirs)
    this.#host?.accepted(ours)
    return theirs
  }

  stop(): Promise<void> {
    if (this.#state === 'running') {
      this.#state = 'stopped'
      if (this.#options.hub !== undefined) hubs.leave(this.#options.hub, this.#id)
      for (const fail of this.#dials) fail(stopped())
      for (const link of this.#links) link.close('The transport stopped')
      this.#subscribers.clear()
      this.#records.drain()
    }
    this.#state = 'stopped'
    return Promise.resolve()
  }

  publish(topic: string, record: Uint8Array): void {
    if (record.byteLength > recordBytesMax) throw recordTooLarge(record)
    if (this.#state !== 'running') return
    const { cluster, secret } = this.#options
    if (this.#hub === undefined || this.#hub.isCut) return
    for (const other of this.#hub.nodes.values()) {
      const isMember = other.#options.cluster === cluster && other.#options.secret === secret
      if (other !== this && isMember) other.#heard(topic, this.#id, record)
    }
  }

  subscribe(topic: string, on: (via: NodeId, record: Uint8Array) => void): void {
    if (this.#state === 'stopped') return
    this.#subscribers.set(topic, [...(this.#subscribers.get(topic) ?? []), on])
  }

  sign(bytes: Uint8Array): Uint8Array {
    assert(this.#id !== '', 'sign only after start')
    return signature(this.#options.hub, this.#id, bytes)
  }

  verify(author: NodeId, bytes: Uint8Array, given: Uint8Array): boolean {
    const right = signature(this.#options.hub, author, bytes)
    return given.byteLength === right.byteLength && timingSafeEqual(given, right)
  }

  healed(): void {
    for (const link of [...this.#links]) link.healed()
    for (const { givenUp, goOn } of this.#heldUp.splice(0)) {
      inTurn(this.#running().turns, () => {
        if (!givenUp()) goOn()
      })
    }
  }

  breakOff(): void {
    for (const link of [...this.#links]) link.breakOff()
  }

  #found(id: NodeId): void {
    inTurn(this.#running().turns, () => {
      if (this.#state === 'running') this.#host?.found(addressOf(this.#options.hub ?? '', id))
    })
  }

  #heard(topic: string, via: NodeId, record: Uint8Array): void {
    if (!this.#subscribers.has(topic)) return
    const { turns, log } = this.#running()
    if (this.#records.length >= recordsWaitingMax) {
      this.#recordsDropped += 1
      this.#host?.uncarried?.('dropped', 1)
      if (Number.isInteger(Math.log2(this.#recordsDropped))) {
        log.warn({ dropped: this.#recordsDropped }, 'memory transport: too many gossip records at a time')
      }
      return
    }
    // A copy for each: what one listener does to its bytes is not to be seen by another, nor by the publisher.
    this.#records.push({ topic, via, record: record.slice() })
    if (this.#records.length > 1) return
    inTurn(turns, () => {
      for (const waiting of this.#records.drain()) {
        for (const on of this.#subscribers.get(waiting.topic) ?? []) on(waiting.via, waiting.record)
      }
    })
  }

  #newEnd(other: MemoryTransport): MemoryLink {
    const { turns, clock } = this.#running()
    const { maxFrameBytes, framesOnly } = this.#options
    const peer = other.#id
    const { roles } = other.#options
    const way = this.#hub ?? { isCut: false }
    const gone = (): void => void this.#links.delete(end)
    const takesRecords = !framesOnly
    const end = new MemoryLink({ peer, roles, turns, clock, way, maxFrameBytes, takesRecords, gone })
    this.#links.add(end)
    return end
  }

  #resolve(address: string): MemoryTransport | undefined {
    const { hub } = this.#options
    if (hub === undefined || !address.startsWith(addressOf(hub, ''))) return undefined
    const id = address.slice(addressOf(hub, '').length)
    return this.#hub?.nodes.get(id)
  }

  #running(): Platform {
    assert(this.#platform !== undefined, 'the transport was started')
    return this.#platform
  }
}

function addressOf(hub: string, id: NodeId): string {
  return `memory:${hub}/${id}`
}

/** Binds bytes to an author for everyone on a hub. No secret goes into it, so it proves nothing to an attacker. */
function signature(hub: string | undefined, author: NodeId, bytes: Uint8Array): Buffer {
  const key = `skerry memory hub ${hub ?? '(private)'}`
  return createHmac('sha256', key).update(`${author.length}:${author}`).update(bytes).digest()
}

function recordTooLarge(record: Uint8Array): TransportError {
  const problem = `A record of ${record.byteLength} bytes, where at most ${recordBytesMax} are allowed`
  return new TransportError('ERR_FRAME_TOO_LARGE', problem)
}

function stopped(): TransportError {
  return new TransportError('ERR_TRANSPORT_STOPPED', 'The memory transport is not running')
}

function dialAborted(address: string, signal: AbortSignal): TransportError {
  return new TransportError('ERR_DIAL_FAILED', `Dialling ${address.slice(0, 400)} was aborted`, {
    cause: signal.reason,
  })
}

function inTurn(turns: TurnQueue, runTurn: () => void): void {
  turns.enqueue({ runTurn })
}
