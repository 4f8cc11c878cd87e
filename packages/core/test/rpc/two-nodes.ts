import { type AppDefinition, type Node, type NodeOptions, silentLog, startNode, systemPlatform } from '@skerry/core'
import type { RawLink, Transport, TransportFactory, TransportSpec } from '@skerry/core/transport'

/** How a mesh of this kind is made, so that one suite runs over every transport. */
export interface MeshKind {
  readonly name: string
  /** A transport in the mesh called `mesh` that finds the nodes at `seeds`. */
  spec(mesh: string, options: MeshOptions): TransportSpec
}

export interface MeshOptions {
  readonly seeds: readonly string[]
  /** Only for transports whose ids are chosen. */
  readonly id?: string
  readonly secret?: string
  readonly maxFrameBytes?: number
}

/** Small, so that a frame that is too large costs little. */
export const frameBytesMax = 64 * 1024

let meshes = 0

export function newMeshName(): string {
  meshes += 1
  return `mesh-${process.pid}-${meshes}`
}

export async function makeTransport(spec: TransportSpec): Promise<Transport> {
  const exports = (await import(spec.module)) as Record<string, TransportFactory>
  return (exports[spec.export] as TransportFactory)(spec.options)
}

export function quiet(options: NodeOptions): NodeOptions {
  return { log: silentLog, ...options }
}

export interface Pair {
  readonly mesh: string
  readonly server: Node
  readonly client: Node
  /** Starts another node of the mesh. */
  join(app: AppDefinition, region: string, options?: NodeOptions): Promise<Node>
  stop(): Promise<void>
}

/** A server in `syd`, the primary region, and a client in `lax`, each knowing the other and what it offers. */
export async function startPair(kind: MeshKind, serverApp: AppDefinition, clientApp: AppDefinition): Promise<Pair> {
  const mesh = newMeshName()
  const nodes: Node[] = []
  const join = async (app: AppDefinition, region: string, options: NodeOptions = {}): Promise<Node> => {
    const seeds = nodes.flatMap((node) => [...node.addresses])
    const transport = kind.spec(mesh, { seeds, maxFrameBytes: frameBytesMax })
    const node = await startNode(
      app,
      quiet({ region, primaryRegion: 'syd', cluster: 'tests', bodyBytesMax: frameBytesMax, transport, ...options }),
    )
    nodes.push(node)
    return node
  }
  const server = await join(serverApp, 'syd')
  const client = await join(clientApp, 'lax')
  await knows(client, server, serverApp)
  await knows(server, client, clientApp)
  return {
    mesh,
    server,
    client,
    join,
    stop: async () => {
      await Promise.all(nodes.map((node) => node.stop()))
    },
  }
}

/** Resolves when `node` knows that `other` is up and offers all that `app` does. */
export async function knows(node: Node, other: Node, app: AppDefinition): Promise<void> {
  const isThere = (): boolean =>
    node.regionOf(other.id) !== undefined && (app.procedures ?? []).every((one) => node.isRpcSupported(other.id, one))
  await node.waitFor(isThere, `${other.id} and its procedures`)
}

/** A transport of the mesh with no node above it: for peers that speak nonsense. */
export async function startRawPeer(
  kind: MeshKind,
  mesh: string,
  options: MeshOptions,
): Promise<{ id: string; dial(address: string): Promise<RawLink>; stop(): Promise<void> }> {
  const transport = await makeTransport(kind.spec(mesh, { maxFrameBytes: frameBytesMax, ...options }))
  const ignored = { accepted() {}, found() {} }
  const { id } = await transport.start(ignored, systemPlatform({ log: silentLog }))
  return {
    id,
    dial: (address) => transport.dial(address, undefined, new AbortController().signal),
    stop: () => transport.stop(),
  }
}
