import { defineApp, type Log, type NodeId, startNode, silentLog } from '@skerry/core'
import { libp2pTransport } from '@skerry/transport-libp2p'
import type { Seen } from './membership-processes.ts'

// A node in a process of its own, which tells its parent what it sees of the others.

const [seeds = '[]'] = process.argv.slice(2)
const tell = (seen: Seen): void => {
  if (process.connected) process.send?.(seen)
}

const log: Log = {
  ...silentLog,
  warn: (_fields: object, message: string) => {
    if (message === 'a node is believed dead') tell({ kind: 'dead', atMs: Date.now() })
  },
}
const node = await startNode(defineApp({ name: 'bench', children: [] }), {
  log,
  transport: libp2pTransport({
    cluster: 'bench',
    secrets: ['a secret of benches that is long enough'],
    listen: ['/ip4/127.0.0.1/tcp/0'],
    seeds: JSON.parse(seeds) as string[],
  }),
})
tell({ kind: 'up', addresses: node.addresses })

let known = 0
const look = setInterval(() => {
  const nodes: readonly NodeId[] = node.nodes().map((one) => one.node)
  if (nodes.length === known) return
  known = nodes.length
  tell({ kind: 'view', nodes: known, atMs: Date.now() })
}, 5)
process.once('disconnect', () => {
  clearInterval(look)
  void node.stop().then(() => process.exit())
})
