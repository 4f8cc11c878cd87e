import { type MessagePort, workerData } from 'node:worker_threads'
import type { BareRequest } from './bare-port.ts'

// The other end of bare-port.ts: a counter that answers over a port, and nothing more.

const { port } = workerData as { readonly port: MessagePort }
let count = 0

port.on('message', (message: BareRequest | readonly BareRequest[]) => {
  port.postMessage(isBatch(message) ? message.map(answer) : answer(message))
})

function answer({ ref, args: [by] }: BareRequest): { ref: number; value: number } {
  count += by
  return { ref, value: count }
}

function isBatch(message: BareRequest | readonly BareRequest[]): message is readonly BareRequest[] {
  return Array.isArray(message)
}
