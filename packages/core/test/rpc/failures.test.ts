import { memoryTransport } from '@skerry/core'
import { failureSuite } from './failure-suite.ts'

failureSuite({
  name: 'memory',
  spec: (mesh, { id, secret, maxFrameBytes }) =>
    memoryTransport({
      hub: mesh,
      ...(id !== undefined && { id }),
      ...(secret !== undefined && { secret }),
      ...(maxFrameBytes !== undefined && { maxFrameBytes }),
    }),
})
