import { MessageChannel, Worker } from 'node:worker_threads'
import { WaitingLine } from './waiting-line.ts'

/** What a call must carry at least: which one it is, what is asked, and the arguments. */
export interface BareRequest {
  readonly ref: number
  readonly name: string
  readonly args: readonly [number]
}

interface BareAnswer {
  readonly ref: number
  readonly value: number
}

/** A counter on a thread of its own, asked over a bare MessagePort. */
export interface BarePort {
  /** One message each way. */
  call(by: number): Promise<number>
  /** Many requests in one message, their answers in another. */
  callMany(by: number, count: number): Promise<void>
  stop(): Promise<void>
}

export async function startBarePort(): Promise<BarePort> {
  const { port1: ours, port2: theirs } = new MessageChannel()
  const worker = new Worker(new URL('./bare-port-worker.js', import.meta.url), {
    workerData: { port: theirs },
    transferList: [theirs],
  })
  const single = new WaitingLine<number>()
  const many = new WaitingLine<void>()
  ours.on('message', (message: BareAnswer | readonly BareAnswer[]) => {
    if (isBatch(message)) many.answer()
    else single.answer(message.value)
  })
  let ref = 0
  const request = (by: number): BareRequest => ({ ref: (ref += 1), name: 'add', args: [by] })

  const port: BarePort = {
    call(by) {
      ours.postMessage(request(by))
      return single.join()
    },
    callMany(by, count) {
      ours.postMessage(Array.from({ length: count }, () => request(by)))
      return many.join()
    },
    async stop() {
      ours.close()
      await worker.terminate()
    },
  }
  await port.call(0)
  return port
}

function isBatch(message: BareAnswer | readonly BareAnswer[]): message is readonly BareAnswer[] {
  return Array.isArray(message)
}
