import { memoryTransport } from '@skerry/core'
import { failureMatrix } from './failure-matrix.ts'

failureMatrix({ name: 'memory', spec: (mesh) => memoryTransport({ hub: mesh }) })
