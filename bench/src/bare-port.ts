import type { MessagePort } from 'node:worker_threads'
import type { BareAnswer, BareRequest } from './threaded-counter.ts'
import { WaitingLine } from './waiting-line.ts'

/** A counter on another thread, asked over a bare MessagePort. */
export interface BarePort {
  /** One message each way. */
  call(by: number): Promise<number>
  /** Many requests in one message, their answers in another. */
  callMany(by: number, count: number): Promise<void>
  close(): void
}

export function openBarePort(port: MessagePort): BarePort {
  const single = new WaitingLine<number>()
  const many = new WaitingLine<void>()
  port.on('message', (message: BareAnswer | BareAnswer[]) => {
    if (Array.isArray(message)) many.answer()
    else single.answer(message.value)
  })
  let ref = 0
  const request = (by: number): BareRequest => ({ ref: (ref += 1), name: 'add', args: [by] })

  return {
    call(by) {
      port.postMessage(request(by))
      return single.join()
    },
    callMany(by, count) {
      port.postMessage(Array.from({ length: count }, () => request(by)))
      return many.join()
    },
    close: () => port.close(),
  }
}
