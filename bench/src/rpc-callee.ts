import { defineApp, startNode } from '@skerry/core'
import { collectOnce } from './collect-once.ts'
import { startRawEcho } from './raw-echo.ts'
import { type CalleeReady, type MeshKind, meshTransport } from './rpc-mesh.ts'
import { calleeRegion } from './rpc-regions.ts'
import { echo, upcase, zeros } from './rpc-procedures.ts'

// The other process of the rpc suite: a node, and the two raw echoes. It ends when the one that forked it is gone.

const app = defineApp({ name: 'bench', children: [], procedures: [echo, upcase, zeros] })
const transport = meshTransport([], process.argv[2] as MeshKind | undefined)
const node = await startNode(app, { region: calleeRegion, primaryRegion: calleeRegion, transport })
const single = await startRawEcho('single')
const coalesced = await startRawEcho('coalesced')

process.on('disconnect', () => {
  single.server.close()
  coalesced.server.close()
  void node.stop().finally(() => process.exit())
})
collectOnce()
const ready: CalleeReady = {
  addresses: node.addresses,
  echoPorts: { single: single.port, coalesced: coalesced.port },
}
process.send?.(ready)
