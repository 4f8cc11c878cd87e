import { memoryTransport } from '@skerry/core'
import { streamSuite } from './stream-suite.ts'

streamSuite({
  name: 'memory',
  spec: (mesh, { maxFrameBytes }) =>
    memoryTransport({ hub: mesh, ...(maxFrameBytes !== undefined && { maxFrameBytes }) }),
})
