import type { Transport } from '@skerry/core/transport'
import { TestingError } from '../platform/errors.ts'
import type { Kernel, Unit } from '../kernel/sim-kernel-contract.ts'
import { oneWayOf } from './latency.ts'
import { type PathFault, PathConditions } from './path-conditions.ts'
import { type NetworkNode, nodesAt } from './places.ts'
import { type RttOptions, rttBetween } from './rtt-matrix.ts'
import { SimPath } from './sim-path.ts'
import { SimTransport, type SimTransportOptions } from './sim-transport.ts'
import { type Connection, type Hold, type NetworkCounters, Machine, type Wire } from './wire.ts'

export interface SimNetworkOptions {
  readonly kernel: Kernel
  readonly nodes: readonly NetworkNode[]
  /** How far the regions lie apart. Default: see {@link RttOptions}. */
  readonly rtt?: RttOptions
  /**
   * Whether latency varies: from message to message, one in a thousand 5 to 20 times as long, and by pair of nodes. If
   * not, every message takes half the round trip. Default `true`.
   */
  readonly jitter?: boolean
  /** How many ordered pairs of nodes are slower than their regions for the whole run, by 10 to 50 %. Default 1/16. */
  readonly slowPathChance?: number
  /** The bandwidth of one direction of one connection, in megabits a second. Default 1000. */
  readonly bandwidthMbps?: number
  /** The names of the nodes whose addresses a node is told at its start. Default: all. */
  readonly seeds?: readonly string[]
  /** What a trace calls a frame. Default: its length. */
  readonly describe?: (frame: Uint8Array) => string
}

/** Which frames to keep back. Everything that is left out fits. */
export interface HoldRule {
  /** Who sends, and to whom: nodes, regions, or `'rest'`. */
  readonly from?: readonly string[]
  readonly to?: readonly string[]
  /** A part of what a trace calls the frame. */
  readonly caption?: string
}

/** The network of one run: what nodes send each other passes through here, and faults happen here. */
export interface SimNetwork {
  /**
   * The transport of one life of a node, which runs on `unit`. One for each life: a node starts again with a new one
   * after the old one stopped or {@link SimNetwork.crashed}. Throws `ERR_NO_SUCH_NODE`.
   */
  transportFor(node: string, unit: Unit, options?: SimTransportOptions): Transport
  /** Begins a fault on paths, until {@link SimNetwork.remove} with the same id. */
  apply(id: string | number, fault: PathFault): void
  remove(id: string | number): void
  /**
   * Keeps back the frames that fit the rule, and what is sent after them on their lane, until the returned function is
   * called; then they go, in order. Calling it again does nothing.
   */
  hold(rule: HoldRule): () => void
  /**
   * Every connection between the two places breaks now. `halfOpen`: only the end in `from` notices, and what the other
   * sends vanishes until it gives up.
   */
  reset(from: readonly string[], to: readonly string[], halfOpen: boolean): void
  /**
   * The life that runs there ended without a word. `silent`: as when a machine goes, nobody is told, and nothing there
   * answers until a new life starts. Otherwise its machine resets its connections and refuses dials.
   */
  crashed(node: string, silent: boolean): void
  /** The median round trip between two nodes in milliseconds, when nothing is wrong. Throws `ERR_NO_SUCH_NODE`. */
  rttMs(from: string, to: string): number
  readonly counters: Readonly<NetworkCounters>
}

/**
 * Makes a network. Two classes of messages travel on it: frames of connections, which are never lost, repeated or
 * overtaken on their lane but wait where a path is cut, and published records, which are all of that.
 *
 * @example
 * const network = createSimNetwork({ kernel, nodes: [{ name: 'syd-1', region: 'syd' }, { name: 'lax-1', region: 'lax' }] })
 * const transport = network.transportFor('syd-1', unit)
 * network.apply('1', { kind: 'partition', from: ['syd'], to: ['rest'], oneWay: false })
 */
export function createSimNetwork(options: SimNetworkOptions): SimNetwork {
  const wire = createWire(options)
  const { conditions, connections, holds, machines } = wire
  const nodes = [...machines.values()]
  const { seeds = nodes.map(({ name }) => name) } = options

  // A copy: what happens to a connection may end it, and with it take it out of the set.
  function each(happen: (connection: Connection) => void): void {
    for (const connection of [...connections]) happen(connection)
  }

  return {
    counters: wire.counters,
    transportFor: (name, unit, transportOptions = {}) =>
      new SimTransport({ ...transportOptions, wire, machine: machineNamed(machines, name), unit, seeds }),
    apply(id, fault) {
      conditions.apply(id, fault)
      // One fault may take the place of another of its id, and open what that had cut.
      each((connection) => connection.changed())
    },
    remove(id) {
      conditions.remove(id)
      each((connection) => connection.changed())
    },
    hold({ from, to, caption = '' }) {
      const all = nodes.map(({ name }) => name)
      const hold: Hold = {
        from: new Set(from === undefined ? all : nodesAt(from, to ?? [], nodes)),
        to: new Set(to === undefined ? all : nodesAt(to, from ?? [], nodes)),
        fits: (described) => described.includes(caption),
      }
      holds.add(hold)
      return () => {
        if (holds.delete(hold)) each((connection) => connection.changed())
      }
    },
    reset(from, to, halfOpen) {
      const here = new Set(nodesAt(from, to, nodes))
      const there = new Set(nodesAt(to, from, nodes))
      each((connection) => connection.broken(here, there, halfOpen))
    },
    crashed(name, silent) {
      const machine = machineNamed(machines, name)
      const { life } = machine
      machine.answers = !silent
      if (life === undefined) return
      life.crash()
      each((connection) => connection.crashed(life, silent))
    },
    rttMs(from, to) {
      const [here, there] = [machineNamed(machines, from), machineNamed(machines, to)]
      return (wire.path(here, there).medianUs + wire.path(there, here).medianUs) / 1000
    },
  }
}

function createWire(options: SimNetworkOptions): Wire {
  const { kernel, jitter = true, slowPathChance: slowChance = 1 / 16, bandwidthMbps = 1000 } = options
  const { describe = (frame: Uint8Array): string => `${frame.byteLength} bytes` } = options
  if (!(bandwidthMbps > 0)) throw badNetwork(`a bandwidth of ${bandwidthMbps} Mbit/s carries nothing`)
  const machines = new Map(options.nodes.map((node, index) => [node.name, new Machine(node, index)]))
  if (machines.size < options.nodes.length) throw badNetwork('two nodes have one name')
  const rtt = rttBetween(options.rtt)
  const conditions = new PathConditions(options.nodes)
  const rows: (SimPath | undefined)[][] = options.nodes.map(() => [])
  return {
    kernel,
    conditions,
    machines,
    holds: new Set(),
    describe,
    connections: new Set(),
    bytesPerUs: bandwidthMbps / 8,
    counters: {
      framesSent: 0,
      framesDelivered: 0,
      held: 0,
      recordsSent: 0,
      recordsDelivered: 0,
      dials: 0,
      connections: 0,
      drops: { cut: 0, lost: 0, silent: 0, dead: 0, broken: 0, closed: 0 },
    },
    path(from, to) {
      const row = rows[from.index] as (SimPath | undefined)[]
      row[to.index] ??= new SimPath({
        kernel,
        conditions,
        from: from.name,
        to: to.name,
        oneWay: oneWayOf(rtt(from.region, to.region)),
        jitter,
        slowChance,
      })
      return row[to.index] as SimPath
    },
  }
}

function machineNamed(machines: ReadonlyMap<string, Machine>, name: string): Machine {
  const machine = machines.get(name)
  if (machine === undefined) throw new TestingError('ERR_NO_SUCH_NODE', `The network has no node ${name}`)
  return machine
}

function badNetwork(problem: string): TestingError {
  return new TestingError('ERR_BAD_SIMULATION', `Bad network: ${problem}`)
}
