import { actor, type AppDefinition, defineApp, type Message, type Node, type Pid, startNode } from '@skerry/core'
import { createMemoryTransport } from '@skerry/core/simulation'
import { type ManualPlatform, type ManualPlatformOptions, manualPlatform } from './manual-platform.ts'

export interface ManualNodeOptions extends ManualPlatformOptions {
  /** What the node runs. Default: nothing but what the test starts. */
  readonly app?: AppDefinition
  /** Default `'local'`. */
  readonly region?: string
}

/** An actor in the hands of a test: send to it, let others send to it, read what came. */
export interface Probe {
  readonly pid: Pid
  /** What it was sent and the test has not taken, oldest first: messages, and `EXIT` and `DOWN` as it traps exits. */
  readonly messages: readonly Message[]
  /** The oldest message, which is taken. `undefined`: none has come. */
  take(): Message | undefined
  link(pid: Pid): void
  monitor(pid: Pid): void
  /** Sends as this actor. */
  send(to: Pid, message: Message): void
}

/** One node on which nothing happens unless the test lets it happen. */
export interface ManualNode {
  readonly node: Node
  readonly platform: ManualPlatform
  /** Runs turns until none is left, then gives what the promise gives. Time stands still. */
  settled<T>(promise: Promise<T>): Promise<T>
  /** Lets so many milliseconds pass, with all that becomes due. */
  advance(ms: number): Promise<void>
  probe(): Promise<Probe>
  stop(): Promise<void>
}

/**
 * A node for testing one actor, or a few: a virtual clock, seeded chance, turns one by one. `platform.log.entries` holds
 * what was logged. Rejects as `startNode` does.
 *
 * @example
 * const manual = await manualNode()
 * const pid = await manual.settled(manual.node.start(hits, [0]))
 * expect(await manual.settled(manual.node.call(pid, 'add', [2]))).toBe(2)
 */
export async function manualNode(options: ManualNodeOptions = {}): Promise<ManualNode> {
  const { app = defineApp({ name: 'manual', children: [] }), region = 'local', ...platformOptions } = options
  const platform = manualPlatform(platformOptions)
  const settled = async <T>(promise: Promise<T>): Promise<T> => {
    // Handled below: it may reject while everything settles.
    promise.catch(() => undefined)
    await platform.settle()
    return await promise
  }
  const starting = startNode(app, {
    platform,
    region,
    primaryRegion: region,
    transport: () => createMemoryTransport({}),
  })
  const node = await settled(starting)
  return {
    node,
    platform,
    settled,
    advance: (ms) => platform.advance(ms),
    probe: () => settled(startProbe(node)),
    async stop() {
      const stopping = node.stop()
      // Actors that do not end by themselves get their time.
      let stopped = false
      void stopping.then(() => (stopped = true))
      await platform.settle()
      while (!stopped && (await platform.clock.advanceToNext())) await platform.settle()
      await stopping
    },
  }
}

async function startProbe(node: Node): Promise<Probe> {
  const messages: Message[] = []
  const parts: { link?: (pid: Pid) => void; monitor?: (pid: Pid) => void; send?: Probe['send'] } = {}
  const probing = actor({
    name: 'probe',
    async run(ctx) {
      ctx.trapExit = true
      parts.link = (pid) => ctx.link(pid)
      parts.monitor = (pid) => void ctx.monitor(pid)
      parts.send = (to, message) => ctx.send(to, message as never)
      for (;;) messages.push(await ctx.receive())
    },
  })
  const pid = await node.start(probing, [])
  return {
    pid,
    messages,
    take: () => messages.shift(),
    link: (other) => parts.link?.(other),
    monitor: (other) => parts.monitor?.(other),
    send: (to, message) => parts.send?.(to, message),
  }
}
