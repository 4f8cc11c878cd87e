import { memoryTransport } from '@skerry/core'
import { manySuite } from './many-suite.ts'

manySuite({
  name: 'memory',
  spec: (mesh, { maxFrameBytes }) =>
    memoryTransport({ hub: mesh, ...(maxFrameBytes !== undefined && { maxFrameBytes }) }),
})
