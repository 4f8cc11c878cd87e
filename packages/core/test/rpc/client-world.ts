import { manualPlatform } from '@skerry/testing'
import type { ExitReason } from '../../src/actor/exit-reason.ts'
import { Kernel } from '../../src/actor/kernel.ts'
import type { Pid } from '../../src/actor/pid.ts'
import type { RemoteStreamOptions } from '../../src/actor/remote-stream.ts'
import type {
  ProcedureName,
  RegionTarget,
  RemoteOwner,
  RemoteServices,
  RpcOptions,
} from '../../src/actor/remote-verbs.ts'
import type { Failure, ReplyResult, Signal, SpawnSignal } from '../../src/actor/signal.ts'
import { HeldBytes } from '../../src/base/held-bytes.ts'
import { msgpackCodec } from '../../src/codec/msgpack-codec.ts'
import type { BlockSlice } from '../../src/mesh/block-slice.ts'
import { decodeSignal } from '../../src/mesh/frame.ts'
import { linkHeaderBytes } from '../../src/mesh/link-message.ts'
import { NodeRouter } from '../../src/mesh/node-router.ts'
import type { PeerLinks, SendResult } from '../../src/mesh/peer-links.ts'
import { SplitMessage } from '../../src/mesh/split-message.ts'
import {
  createRegionTable,
  openRegionTable,
  type RegionTableNode,
  type RegionTableReader,
  regionTableWriter,
} from '../../src/region/region-table.ts'
import { RpcError } from '../../src/rpc/errors.ts'
import { createRpcClient } from '../../src/rpc/rpc-client.ts'
import { createRpcStreams } from '../../src/rpc/rpc-stream.ts'

/** What all of its nodes offer. */
export const write: ProcedureName = { name: 'write', version: 1 }

const self = { node: 'f1', life: 1 }
const regionOf: Readonly<Record<string, string>> = { f1: 'fra', s1: 'syd', s2: 'syd', s3: 'syd', s4: 'syd', l1: 'lax' }

/**
 * The client of the node `f1` in `fra`, over a real router between nodes, beside others whose parts the test plays: `s1` in `syd`
 * and `l1` in `lax` unless it says otherwise. Time passes only when the test says so.
 */
export class ClientWorld {
  readonly platform = manualPlatform()
  /** The nodes that were sent a request, in order. */
  readonly asked: string[] = []
  /** What was sent to them beside requests. */
  readonly sent: Signal[] = []
  /** What the links say of a signal. */
  sends: (signal: Signal) => SendResult = () => 'sent'
  readonly kernel = new Kernel({ ...self, thread: 0, platform: this.platform, codec: msgpackCodec() })
  readonly #table = createRegionTable()
  readonly table: RegionTableReader = openRegionTable(this.#table)
  readonly #remote: RemoteServices = createRpcClient(this.kernel, this.table)
  readonly #streams = createRpcStreams(this.kernel, this.#remote)
  #last: SpawnSignal | undefined
  #primary = { primaryRegion: 'syd', primaryEpoch: 0 }
  #nodes: readonly string[] = []

  constructor(primaryRegion = 'syd', primaryEpoch = 0, nodes: readonly string[] = ['s1', 'l1']) {
    this.kernel.remote = this.#remote
    const unused = (): void => undefined
    const router = new NodeRouter({
      kernel: this.kernel,
      links: {
        recordsTo: () => undefined,
        sendMessage: (node: string, message: BlockSlice | SplitMessage) => this.#send(node, message),
        frameBytesMax: 1_000_000,
      } as unknown as PeerLinks,
      letters: new HeldBytes({ bytesMax: 0, perPeerBytesMax: 0 }),
      isOpenToMembers: false,
      deliver: unused,
      inbox: unused,
      lost: unused,
      sparse: { reach: () => false, unreachable: unused, isSpare: () => false, crosses: async () => true },
    })
    for (const node of Object.keys(regionOf)) router.up({ node, life: 1, region: '', roles: [], addresses: [] })
    this.kernel.away = router
    this.write(primaryRegion, primaryEpoch, nodes)
  }

  call(options: RpcOptions = {}, target: RegionTarget = 'primary'): Promise<unknown> {
    return this.#remote.callRegion(plainOwner, target, write, 1, options)
  }

  stream(options: RemoteStreamOptions<unknown> = {}, target: RegionTarget = 'primary'): AsyncIterableIterator<unknown> {
    return this.#streams.open(plainOwner, target, write, 1, options)
  }

  /** The region table says so from now on. */
  write(primaryRegion: string, primaryEpoch: number, nodes: readonly string[] = this.#nodes): void {
    this.#primary = { primaryRegion, primaryEpoch }
    this.#nodes = nodes
    const all = [self.node, ...nodes].map((id) => node(id, regionOf[id] as string))
    regionTableWriter(this.#table).write({ self: self.node, myRegion: 'fra', omitted: 0, ...this.#primary, nodes: all })
    this.#remote.tableWritten()
  }

  /** It is written anew. */
  touch(nodes: readonly string[] = this.#nodes): void {
    this.write(this.#primary.primaryRegion, this.#primary.primaryEpoch, nodes)
  }

  /** The node that was asked last does not run it. */
  refuse(failure: Partial<Failure>): void {
    const result = { code: 'ERR_NOT_PRIMARY', outcome: 'not-run', message: 'not here', ...failure } as const
    const { from, via } = this.#asked()
    this.kernel.deliver({ type: 'reply', to: from, ref: 0, via, result: { ok: false, failure: result } })
  }

  answer(value: unknown): void {
    const { from, via } = this.#asked()
    const encoded = this.kernel.codec.encode(value)
    this.kernel.deliver({ type: 'reply', to: from, ref: 0, via, result: { ok: true, value: encoded, encoded: true } })
  }

  /** The stream's process at the node that was asked last. */
  get process(): Pid {
    return { node: this.#asked().via, life: 1, thread: 0, serial: 9 }
  }

  /** A node says so to the call that was asked for last. */
  say(via: string, result: ReplyResult): void {
    this.kernel.deliver({ type: 'reply', to: this.#asked().from, ref: 0, via, result })
  }

  /** What was sent to the node that was asked last. */
  get request(): SpawnSignal {
    return this.#last as SpawnSignal
  }

  /** The connection to a node is lost. */
  lose(node: string): void {
    this.kernel.peerLost({ node, life: 1 }, () => 'noconnection')
  }

  /** It is back. */
  meet(node: string, life = 1): void {
    this.kernel.nodes.up({ type: 'nodeUp', node, life, region: regionOf[node] as string })
  }

  /** It says so to the stream's call. */
  credit(items: number, bytes: number): void {
    this.kernel.deliver({ type: 'credit', from: this.process, to: this.#asked().from, items, bytes })
  }

  /** It reads no more. */
  itemsEnd(): void {
    this.kernel.deliver({ type: 'itemsEnd', from: this.process, to: this.#asked().from })
  }

  /** It ends without an answer. */
  exit(reason: ExitReason): void {
    this.kernel.deliver({ type: 'exit', from: this.process, to: this.#asked().from, reason, viaLink: true })
  }

  item(seq: number, value: unknown): void {
    const item = this.kernel.codec.encode(value)
    this.kernel.deliver({ type: 'item', from: this.process, to: this.#asked().from, seq, item })
  }

  #asked(): { from: Pid; via: string } {
    const { from, to } = this.#last as SpawnSignal
    return { from, via: to.node }
  }

  #send(to: string, message: BlockSlice | SplitMessage): SendResult {
    const bytes = message instanceof SplitMessage ? message.join() : message.view()
    const { codec } = this.kernel
    const signal = decodeSignal(
      bytes,
      { ...self, region: 'fra', roles: [] },
      { node: to, life: 1 },
      codec,
      linkHeaderBytes,
    )
    const result = this.sends(signal)
    if (result !== 'sent') return result
    if (signal.type === 'spawn') {
      this.#last = signal
      this.asked.push(to)
    } else this.sent.push(signal)
    return 'sent'
  }
}

const plainOwner: RemoteOwner = { alive: true, deadlineMs: undefined, attach() {}, detach() {} }

function node(id: string, region: string): RegionTableNode {
  const procedures = [{ ...write, compatible: [], schema: undefined }]
  const known = { life: 1, state: 'up', appVersion: '', load: 0, inFlight: 0, isStuck: false, rttMs: 1 } as const
  return { ...known, node: id, region, procedures: id === self.node ? [] : procedures }
}

/** What a call fails with. */
export async function failureOf(call: Promise<unknown>): Promise<RpcError> {
  try {
    await call
  } catch (error) {
    if (error instanceof RpcError) return error
    throw error
  }
  throw new Error('it answered')
}
