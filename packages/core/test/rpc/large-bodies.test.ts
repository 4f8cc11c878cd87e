import { memoryTransport } from '@skerry/core'
import { largeBodiesSuite } from './large-bodies-suite.ts'

largeBodiesSuite({ name: 'memory', spec: (mesh, { seeds }) => memoryTransport({ hub: mesh, seeds }) })
