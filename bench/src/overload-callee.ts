import { defineApp, startNode } from '@skerry/core'
import { burns, waits } from './overload-procedures.ts'
import { meshTransport } from './rpc-mesh.ts'
import { calleeRegion } from './rpc-regions.ts'

// The other process of the overload suite. It ends when the one that forked it is gone.

const app = defineApp({ name: 'bench', children: [], procedures: [burns, waits] })
const node = await startNode(app, { region: calleeRegion, primaryRegion: calleeRegion, transport: meshTransport([]) })
process.on('disconnect', () => void node.stop().finally(() => process.exit()))
process.send?.(node.addresses)
