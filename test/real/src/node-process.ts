// One node of the cluster, as an operating-system process of its own. Its place is told by the arguments.
import net, { type NetConnectOpts } from 'node:net'
import { CallError, RpcError, RuntimeError, startNode, systemPlatform } from '@skerry/core'
import { libp2pTransport } from '@skerry/transport-libp2p'
import type { FromNode, ToNode } from './control-message.ts'
import { faultLog } from './fault-log.ts'
import { ordersApp } from './orders.ts'
import type { Berth } from './ways.ts'

interface Place extends Omit<Berth, 'wrapper'> {
  readonly region: string
  readonly privateKey: string
  readonly folder: string
}

const place = JSON.parse(process.argv[2] ?? '') as Place
if (place.localAddress !== undefined) bindTo(place.localAddress)

const node = await startNode(ordersApp, {
  region: place.region,
  primaryRegion: 'syd',
  platform: systemPlatform({ filesRoot: place.folder, log: faultLog() }),
  transport: libp2pTransport({
    cluster: 'orders',
    secrets: ['a secret of this test and of nothing else'],
    listen: [place.listen],
    announce: [place.announce],
    seeds: place.seeds,
    privateKey: place.privateKey,
  }),
})
process.on('message', (message: ToNode) => void act(message))
process.on('disconnect', () => process.exit())
say({ type: 'up' })

async function act(message: ToNode): Promise<void> {
  if (message.type === 'regions') return say({ type: 'answer', ref: message.ref, value: node.regions() })
  if (message.type !== 'rpcPrimary') return
  const { ref, procedure, input, options } = message
  try {
    say({ type: 'answer', ref, value: await node.rpcPrimary(procedure, input, options) })
  } catch (error) {
    const outcome = error instanceof RpcError || error instanceof CallError ? error.outcome : 'unknown'
    const code = error instanceof RuntimeError ? error.code : 'ERR_NOT_CODED'
    say({ type: 'failure', ref, code, outcome, message: error instanceof Error ? error.message : String(error) })
  }
}

function say(message: FromNode): void {
  process.send?.(message)
}

function bindTo(localAddress: string): void {
  const { connect } = net
  const bound = (options: NetConnectOpts, onConnect?: () => void): net.Socket =>
    connect({ ...options, localAddress } as NetConnectOpts, onConnect)
  net.connect = bound as typeof connect
  net.createConnection = bound as typeof connect
}
