import type { ConformancePromise } from './conformance-case.ts'
import { deadWays } from './dead-ways.ts'
import { delivery } from './delivery.ts'
import { gossip } from './gossip.ts'
import type { ConformanceManifest, TransportHarness } from './harness.ts'
import { hello } from './hello.ts'
import { identity } from './identity.ts'
import { intruders } from './intruders.ts'
import { lifecycle } from './lifecycle.ts'
import { limits } from './limits.ts'
import { oneLink } from './one-link.ts'
import { order } from './order.ts'
import { peerLoss } from './peer-loss.ts'
import { randomFaults } from './random-faults.ts'
import { reconnect } from './reconnect.ts'
import { settle } from './settle.ts'
import { slowReader } from './slow-reader.ts'
import { runInWorld } from './world.ts'

export type {
  ConformanceManifest,
  ConformanceSuite,
  CreateRequest,
  Member,
  TransportHarness,
  WorldNetwork,
} from './harness.ts'
export { type SocketWay, startTcpWay, startUnixWay, type TcpWay } from './socket-way.ts'

const caseMsDefault = 20_000
// The runner's own limit comes later than ours, because ours says what the case was waiting for.
const runnerGraceMs = 5_000

const promises: readonly ConformancePromise[] = [
  lifecycle,
  delivery,
  order,
  peerLoss,
  limits,
  slowReader,
  identity,
  intruders,
  settle,
  gossip,
  deadWays,
  hello,
  reconnect,
  oneLink,
  randomFaults,
]

/**
 * Registers the cases that every `Transport` has to pass, one group for each promise of its contract. What a transport
 * does not support is skipped by name. No case sleeps: each waits for events, all together at most `caseMs`.
 *
 * @example
 * transportConformance('memory', {
 *   suite: { describe, it }, platform: () => systemPlatform(), nobody: (world) => `memory:${world}/nobody`,
 *   supports: { lanes: 3, gossip: true, maxFrameBytes: 1_048_576, secret: true, cluster: true, frameLimit: 'option', faults: true },
 *   create: ({ member, world }) => createMemoryTransport({ hub: world, id: member }),
 *   network: (world) => memoryNetwork(world),
 * })
 */
export function transportConformance(name: string, harness: TransportHarness): void {
  const caseMs = harness.caseMs ?? caseMsDefault
  let caseNumber = 0
  for (const { promise, cases } of promises) {
    harness.suite.describe(`${name} keeps the transport's promises: ${promise}`, () => {
      for (const { name: caseName, excuse, slow = 1, faults = false, settles = false, run } of cases) {
        caseNumber += 1
        const world = `${worldName(name)}-${caseNumber}`
        const reason =
          excuse?.(harness.supports) ??
          (faults ? noFaults(harness.supports) : undefined) ??
          (settles && harness.fromSettled === undefined ? 'its harness makes none from settled options' : undefined)
        const limitMs = caseMs * slow
        const runCase = (): Promise<void> =>
          runInWorld({ harness, world, caseMs: limitMs, faults: harness.supports.faults }, run)
        if (reason === undefined) harness.suite.it(caseName, runCase, limitMs + runnerGraceMs)
        else harness.suite.it.skip(`${caseName} (skipped: ${reason})`, runCase)
      }
    })
  }
}

function noFaults({ faults }: ConformanceManifest): string | undefined {
  return faults ? undefined : 'its harness can not cut the ways between nodes'
}

/** The suite's name as a part of addresses, topics and file names: lower-case letters, digits, dashes. */
function worldName(name: string): string {
  return name
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .slice(0, 32)
}
