import type { Platform } from '@skerry/core/platform'
import type { LinkClosed, RawLink, Transport } from '@skerry/core/transport'
import { soundDrain } from '../../src/kernel/drain.ts'
import { SimKernel } from '../../src/kernel/sim-kernel.ts'
import { SimUnit } from '../../src/kernel/sim-unit.ts'
import { createSimNetwork, type SimNetwork, type SimNetworkOptions } from '../../src/network/sim-network.ts'
import { manualPlatform } from '../../src/platform/manual-platform.ts'

export async function createKernel(seed = 1, { trace = false } = {}): Promise<SimKernel> {
  return new SimKernel({ seed, trace, drain: await soundDrain() })
}

/** A platform whose time is the kernel's. */
export function platformOn(kernel: SimKernel, unit: SimUnit = kernel.self): Platform {
  const clock: Platform['clock'] = {
    wall: () => kernel.nowUs / 1_000,
    monotonic: () => kernel.nowUs / 1_000,
    after: (delayMs, run) => kernel.schedule(unit, kernel.nowUs + delayMs * 1_000, 'timer', run),
  }
  return { ...manualPlatform(), clock }
}

/** Lets virtual time pass until `done` settles. */
export async function driven<T>(kernel: SimKernel, done: Promise<T>): Promise<T> {
  let isOver = false
  const over = (): void => {
    isOver = true
  }
  done.then(over, over)
  while (!isOver) await kernel.run(kernel.nowUs + 100_000)
  return await done
}

/** One life of a node, and what came to it. */
export interface TestNode {
  readonly name: string
  readonly unit: SimUnit
  readonly transport: Transport
  readonly accepted: TestLink[]
  readonly found: string[]
  dial(to: string, signal?: AbortSignal): Promise<TestLink>
}

export interface TestLink {
  readonly link: RawLink
  /** What came, each with its lane, its first byte and the millisecond. */
  readonly came: { lane: number; first: number; atMs: number; bytes: number }[]
  closed: LinkClosed | undefined
}

export interface SimWorld {
  readonly kernel: SimKernel
  readonly network: SimNetwork
  /** Starts a life of the node. */
  start(name: string): Promise<TestNode>
  /** Ends it the way the simulation does. */
  crash(node: TestNode, silent: boolean): void
  /** Lets so much virtual time pass. */
  pass(ms: number): Promise<void>
  /** Milliseconds of virtual time, and what it takes to see a promise settle in it. */
  driven<T>(done: Promise<T>): Promise<T>
  readonly nowMs: number
}

export type SimWorldOptions = Partial<SimNetworkOptions> & { readonly seed?: number; readonly trace?: boolean }

/** Two nodes in each of three regions 100 ms apart, unless told otherwise; nothing varies unless told to. */
export async function createWorld(options: SimWorldOptions = {}): Promise<SimWorld> {
  const kernel = await createKernel(options.seed, { trace: options.trace ?? false })
  const names = ['x-1', 'x-2', 'y-1', 'y-2', 'z-1', 'z-2']
  const nodes = names.map((name) => ({ name, region: name.slice(0, 1) }))
  const network = createSimNetwork({ nodes, rtt: { rtt: () => 100 }, jitter: false, ...options, kernel })
  const world: SimWorld = {
    kernel,
    network,
    get nowMs() {
      return kernel.nowUs / 1_000
    },
    driven: (done) => driven(kernel, done),
    async pass(ms) {
      const untilUs = kernel.nowUs + Math.round(ms * 1_000)
      // Where nothing else is to come, time would stand.
      kernel.schedule(kernel.self, untilUs, 'step', () => undefined)
      await kernel.run(untilUs)
    },
    async start(name) {
      const unit = new SimUnit(name, names.indexOf(name) + 1)
      const node: TestNode = {
        name,
        unit,
        transport: network.transportFor(name, unit),
        accepted: [],
        found: [],
        async dial(to, signal = new AbortController().signal) {
          return testLink(kernel, await world.driven(node.transport.dial(`sim:${to}`, to, signal)))
        },
      }
      const host = {
        accepted: (link: RawLink) => void node.accepted.push(testLink(kernel, link)),
        found: (address: string) => void node.found.push(address),
      }
      await node.transport.start(host, platformOn(kernel, unit))
      return node
    },
    crash(node, silent) {
      network.crashed(node.name, silent)
      node.unit.kill()
    },
  }
  return world
}

function testLink(kernel: SimKernel, link: RawLink): TestLink {
  const own: TestLink = { link, came: [], closed: undefined }
  for (const lane of [0, 1]) {
    link.lane(lane).onFrame((frame) => {
      own.came.push({ lane, first: frame[0] ?? -1, atMs: kernel.nowUs / 1_000, bytes: frame.length })
    })
  }
  void link.closed.then((closed) => {
    own.closed = closed
  })
  return own
}
