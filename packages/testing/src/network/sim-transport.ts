import { type NodeId, TransportError } from '@skerry/core'
import type { Platform } from '@skerry/core/platform'
import type { RawLink, Transport, TransportFeatures, TransportHost } from '@skerry/core/transport'
import type { Unit } from '../kernel/sim-kernel-contract.ts'
import { digestOf, signatureOf } from './digest.ts'
import { dial } from './sim-dial.ts'
import { drop, type Life, type Machine, simLanes, type Wire } from './wire.ts'

export interface SimTransportOptions {
  /** The largest frame in bytes. Default 1 MiB. */
  readonly maxFrameBytes?: number
  /** Only nodes with equal keys connect: a cluster's name and secret in one. Default empty. */
  readonly key?: string
}

interface SimTransportPlace extends SimTransportOptions {
  readonly wire: Wire
  readonly machine: Machine
  readonly unit: Unit
  /** Whose addresses are found at the start. */
  readonly seeds: readonly string[]
}

const addressPrefix = 'sim:'
const recordBytesMax = 16 * 1024

/** The transport of one life of a node. */
export class SimTransport implements Transport, Life {
  readonly supports: TransportFeatures
  readonly machine: Machine
  readonly unit: Unit
  readonly maxFrameBytes: number
  readonly key: string
  readonly #wire: Wire
  readonly #seeds: readonly string[]
  readonly #links = new Set<RawLink>()
  readonly #dials = new Set<(error: TransportError) => void>()
  readonly #subscribers = new Map<string, ((via: NodeId, record: Uint8Array) => void)[]>()
  #state: 'new' | 'running' | 'stopped' = 'new'
  #host: TransportHost | undefined

  constructor({ wire, machine, unit, seeds, maxFrameBytes = 1024 * 1024, key = '' }: SimTransportPlace) {
    this.#wire = wire
    this.machine = machine
    this.unit = unit
    this.#seeds = seeds
    this.maxFrameBytes = maxFrameBytes
    this.key = key
    this.supports = { lanes: simLanes, gossip: true, maxFrameBytes }
  }

  get isRunning(): boolean {
    return this.#state === 'running'
  }

  start(host: TransportHost, _platform: Platform): Promise<{ id: NodeId; addresses: readonly string[] }> {
    const { machine, unit } = this
    const { kernel, connections } = this.#wire
    if (this.#state !== 'new') return Promise.reject(stopped())
    if (machine.life !== undefined) {
      return Promise.reject(new TransportError('ERR_TRANSPORT_START', `A node ${machine.name} runs already`))
    }
    this.#state = 'running'
    this.#host = host
    machine.life = this
    machine.answers = true
    // The machine is up again, and answers for the connections of the life before.
    for (const connection of connections) connection.changed()
    kernel.schedule(unit, kernel.nowUs, 'turn', () => this.#find(), { msg: () => 'found its seeds' })
    return Promise.resolve({ id: machine.name, addresses: [addressOf(machine.name)] })
  }

  dial(address: string, expect: NodeId | undefined, signal: AbortSignal): Promise<RawLink> {
    if (!this.isRunning) return Promise.reject(stopped())
    const name = address.startsWith(addressPrefix) ? address.slice(addressPrefix.length) : ''
    if (name === this.machine.name) {
      return Promise.reject(new TransportError('ERR_OWN_ADDRESS', `${address} is our own`))
    }
    const target = this.#wire.machines.get(name)
    return dial({ wire: this.#wire, dialler: this, target, address, expect, signal, pending: this.#dials })
  }

  stop(): Promise<void> {
    if (this.#state === 'running') {
      this.#end()
      for (const fail of this.#dials) fail(stopped())
      for (const link of this.#links) link.close('The transport stopped')
    }
    this.#state = 'stopped'
    return Promise.resolve()
  }

  /** The process, or the machine, is gone: nobody is told from here. */
  crash(): void {
    if (this.#state === 'running') this.#end()
    this.#links.clear()
    this.#dials.clear()
  }

  publish(topic: string, record: Uint8Array): void {
    if (record.byteLength > recordBytesMax) throw recordTooLarge(record)
    if (!this.isRunning) return
    const wire = this.#wire
    const digest = digestOf(record)
    const msg = (): string => `publish ${topic}`
    wire.counters.recordsSent += 1
    const cause = wire.kernel.note(this.unit, 'send', { msg, digest })
    for (const target of wire.machines.values()) {
      const { life } = target
      // A datagram for who does not listen would only be thrown away there.
      if (target === this.machine || life === undefined || life.key !== this.key || !life.hears(topic)) continue
      const path = wire.path(this.machine, target)
      const datagram = path.nextDatagram()
      if (path.isCut || path.isLost(datagram)) {
        drop(wire, this.unit, target.name, path.isCut ? 'cut' : 'lost')
        continue
      }
      for (const copy of path.isDuplicated(datagram) ? ([0, 1] as const) : ([0] as const)) {
        // A copy for each: what one node does to its bytes is not to be seen by another, nor by the publisher.
        const bytes = new Uint8Array(record)
        const atUs = wire.kernel.nowUs + path.datagramUs(datagram, copy)
        const facts = { peer: this.machine.name, msg, digest, cause }
        wire.kernel.schedule(life.unit, atUs, 'recv', () => life.heard(topic, this.machine.name, bytes), facts)
      }
    }
  }

  subscribe(topic: string, on: (via: NodeId, record: Uint8Array) => void): void {
    if (this.#state === 'stopped') return
    this.#subscribers.set(topic, [...(this.#subscribers.get(topic) ?? []), on])
  }

  sign(bytes: Uint8Array): Uint8Array {
    return signatureOf(this.machine.name, bytes)
  }

  verify(author: NodeId, bytes: Uint8Array, signature: Uint8Array): boolean {
    const right = signatureOf(author, bytes)
    return signature.length === right.length && right.every((byte, index) => byte === signature[index])
  }

  expect(link: RawLink): void {
    this.#links.add(link)
  }

  accept(link: RawLink): void {
    // It was closed when we stopped.
    if (!this.isRunning || !this.#links.has(link)) return
    this.#wire.kernel.note(this.unit, 'open', { peer: link.peer })
    this.#host?.accepted(link)
  }

  forget(link: RawLink): void {
    this.#links.delete(link)
  }

  hears(topic: string): boolean {
    return this.#subscribers.has(topic)
  }

  heard(topic: string, via: NodeId, record: Uint8Array): void {
    this.#wire.counters.recordsDelivered += 1
    for (const on of this.#subscribers.get(topic) ?? []) on(via, record)
  }

  #find(): void {
    for (const name of this.#seeds) {
      if (this.isRunning && name !== this.machine.name) this.#host?.found(addressOf(name))
    }
  }

  #end(): void {
    this.#state = 'stopped'
    this.#subscribers.clear()
    if (this.machine.life === this) this.machine.life = undefined
  }
}

function addressOf(name: string): string {
  return `${addressPrefix}${name}`
}

function recordTooLarge(record: Uint8Array): TransportError {
  const problem = `A record of ${record.byteLength} bytes, where at most ${recordBytesMax} are allowed`
  return new TransportError('ERR_FRAME_TOO_LARGE', problem)
}

function stopped(): TransportError {
  return new TransportError('ERR_TRANSPORT_STOPPED', 'The simulated transport is not running')
}
