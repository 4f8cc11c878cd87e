import assert from 'node:assert/strict'
import type { Clock, Timer } from '@skerry/core/platform'
import type { RawLink, Transport } from '@skerry/core/transport'
import { type CoreNode, type CoreNodeOptions, startCoreNode } from './core-node.ts'
import type { ConformanceManifest, Member, TransportHarness, WorldNetwork } from './harness.ts'
import { type LinkEnd, linkEnd } from './link-end.ts'
import { type Waits, startWaits } from './waits.ts'

/** The nodes of one case. Everything that a case starts here is stopped after it. */
export interface World {
  readonly supports: ConformanceManifest
  readonly pausedBytesMax: number
  /** Starts a node. `accepted` runs inside the transport's `accepted`, with listeners already attached. */
  node(member: Member, options?: NodeOptions): Promise<WorldNode>
  /** A transport that no case starts here. */
  create(member: Member): Promise<Transport>
  /** Another instance, from options that one settled. Only where the harness makes such. */
  fromSettled(options: unknown): Transport
  /** Starts a node that runs core's links over its transport. It dials nobody that the case does not name. */
  core(member: Member, options?: CoreNodeOptions): Promise<CoreNode>
  /** What can happen between the nodes. Only where the manifest says so. */
  readonly network: WorldNetwork
  readonly seed: number
  /** Lets so much time pass: how long a fault lasts, which no event shows. */
  pass(ms: number): Promise<void>
  /** Waits for something that has a name, which is shown when the case runs out of time. */
  until<T>(what: string, promise: Promise<T>): Promise<T>
  /** Does `attempt` again and again, 100 ms apart, until `promise` settles. For what is best effort. */
  repeatUntil<T>(what: string, attempt: () => void, promise: Promise<T>): Promise<T>
  /** An address where nobody listens. */
  nobody(): string
}

export interface NodeOptions {
  /** Default: a fresh one. */
  readonly transport?: Transport
  readonly maxFrameBytes?: number
  readonly accepted?: (end: LinkEnd) => void
}

/** What it takes to dial a node. */
export interface Reachable {
  readonly id: string
  readonly address: string
}

export interface WorldNode extends Reachable {
  readonly transport: Transport
  /** Every link accepted so far, oldest first. */
  readonly accepted: readonly LinkEnd[]
  /** The next link that nobody took yet, as soon as it is accepted. */
  nextAccepted(): Promise<LinkEnd>
  dial(to: Reachable): Promise<LinkEnd>
  /** Dials `to` and waits for the other end too. */
  connect(to: WorldNode): Promise<readonly [ours: LinkEnd, theirs: LinkEnd]>
}

const pauseBetweenTriesMs = 100
const stopMs = 10_000
/** For dials that are not given up. */
export const never: AbortSignal = new AbortController().signal

/** Runs one case in a world of its own, and stops its nodes whatever happens. */
export async function runInWorld(
  given: { harness: TransportHarness; world: string; caseMs: number; faults: boolean },
  run: (world: World) => Promise<void>,
): Promise<void> {
  const { harness, world: name, caseMs, faults } = given
  const { clock } = harness.platform()
  const nodes: Stoppable[] = []
  const waits = startWaits(clock, caseMs)
  const network = faults ? await harness.network?.(name) : undefined
  try {
    await waits.limit(run(createWorld(harness, name, { nodes, waits, clock, network })))
  } finally {
    waits.end()
    network?.heal()
    const stopWaits = startWaits(clock, stopMs)
    await stopWaits
      .limit(stopWaits.until('every transport to stop', Promise.all(nodes.map((node) => node.stop()))))
      .finally(() => stopWaits.end())
    await network?.end()
  }
}

interface Stoppable {
  stop(): Promise<unknown>
}

interface WorldMeans {
  readonly nodes: Stoppable[]
  readonly waits: Waits
  readonly clock: Clock
  readonly network: WorldNetwork | undefined
}

function createWorld(harness: TransportHarness, name: string, { nodes, waits, clock, network }: WorldMeans): World {
  const { supports } = harness
  const create = async (member: Member, maxFrameBytes?: number): Promise<Transport> =>
    await harness.create({ member, world: name, ...(maxFrameBytes !== undefined && { maxFrameBytes }) })
  return {
    supports,
    pausedBytesMax: harness.pausedBytesMax ?? 32 * 1024 * 1024,
    until: (what, promise) => waits.until(what, promise),
    nobody: () => harness.nobody(name),
    seed: harness.seed ?? 1,

    get network() {
      assert.ok(network, 'the harness has a network, and the case asks for it')
      return network
    },

    async create(member) {
      const transport = await create(member)
      nodes.push(transport)
      return transport
    },

    fromSettled(options) {
      assert.ok(harness.fromSettled, 'the harness makes transports from settled options, and the case asks for it')
      return harness.fromSettled(options)
    },

    async pass(ms) {
      await waits.until(`${ms} ms to pass`, new Promise<void>((resolve) => clock.after(ms, resolve)))
    },

    async core(member, options = {}) {
      const node = startCoreNode(await create(member), { member, waits, platform: harness.platform(), ...options })
      nodes.push(node.links)
      return await waits.until(`${member} to start`, node.started)
    },

    async repeatUntil(what, attempt, promise) {
      const again = (): Timer => {
        attempt()
        return clock.after(pauseBetweenTriesMs, () => {
          timer = again()
        })
      }
      let timer = again()
      try {
        return await waits.until(what, Promise.race([promise, waits.over]))
      } finally {
        timer.cancel()
      }
    },

    async node(member, { transport: given, maxFrameBytes, accepted: onAccepted } = {}) {
      const transport = given ?? (await create(member, maxFrameBytes))
      nodes.push(transport)
      const inbox = acceptedLinks(supports, waits, member, onAccepted)
      const host = { accepted: inbox.accept, found() {} }
      const { id, addresses } = await waits.until(`${member} to start`, transport.start(host, harness.platform()))
      assert.ok(id.length > 0, 'a node id is a non-empty string')
      const [address = `(${member} is not dialable)`] = addresses
      const node: WorldNode = {
        transport,
        id,
        address,
        accepted: inbox.all,
        nextAccepted: inbox.next,
        async dial(to) {
          const link = await waits.until(`${member} to dial ${to.address}`, transport.dial(to.address, to.id, never))
          return linkEnd(link, supports.lanes, waits, `${member}'s link to ${to.id}`)
        },
        async connect(to) {
          const next = to.nextAccepted()
          const ours = await node.dial(to)
          return [ours, await next]
        },
      }
      return node
    },
  }
}

interface AcceptedLinks {
  readonly all: readonly LinkEnd[]
  accept(link: RawLink): void
  next(): Promise<LinkEnd>
}

function acceptedLinks(
  supports: ConformanceManifest,
  waits: Waits,
  member: string,
  onAccepted: ((end: LinkEnd) => void) | undefined,
): AcceptedLinks {
  const all: LinkEnd[] = []
  const takers: ((end: LinkEnd) => void)[] = []
  let taken = 0
  const handOut = (): void => {
    for (let end = all[taken]; end !== undefined && takers.length > 0; end = all[taken]) {
      taken += 1
      takers.shift()?.(end)
    }
  }
  return {
    all,
    accept(link) {
      const end = linkEnd(link, supports.lanes, waits, `${member}'s accepted link from ${link.peer}`)
      all.push(end)
      onAccepted?.(end)
      handOut()
    },
    next() {
      const next = new Promise<LinkEnd>((taker) => takers.push(taker))
      handOut()
      return waits.until(`${member} to accept a link`, next)
    },
  }
}
