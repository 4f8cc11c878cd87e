import { MessageChannel, type MessagePort, parentPort } from 'node:worker_threads'
import { genServer } from '@skerry/core'

/** What a call must carry at least: which one it is, what is asked, and the arguments. */
export interface BareRequest {
  readonly ref: number
  readonly name: string
  readonly args: readonly [number]
}

export interface BareAnswer {
  readonly ref: number
  readonly value: number
}

/** What the thread posts to the one who watches the Worker itself. */
export interface BarePortOffer {
  readonly barePort: MessagePort
}

/**
 * A counter on a thread of its own, which answers over a bare MessagePort as well. One thread for both, because what a
 * message costs depends most of all on which CPU the other thread happens to run on.
 */
export const threadedCounter = genServer({
  module: import.meta,
  name: 'threadedCounter',
  init: (_ctx, start: number) => {
    offerBarePort()
    return { count: start }
  },
  call: {
    add: (ctx, by: number) => (ctx.state.count += by),
  },
})

function offerBarePort(): void {
  const { port1: ours, port2: theirs } = new MessageChannel()
  let count = 0
  const answer = ({ ref, args: [by] }: BareRequest): BareAnswer => ({ ref, value: (count += by) })
  ours.on('message', (message: BareRequest | BareRequest[]) => {
    ours.postMessage(Array.isArray(message) ? message.map(answer) : answer(message))
  })
  const offer: BarePortOffer = { barePort: theirs }
  parentPort?.postMessage(offer, [theirs])
}
