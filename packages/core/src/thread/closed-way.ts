import type { Kernel } from '../actor/kernel.ts'
import type { PortEvents, ThreadPort } from '../platform/threads.ts'
import { type Batch, ThreadChannel } from './thread-channel.ts'
import type { PeerMessage } from './thread-message.ts'

/**
 * Answers what was said on a direct way to a thread that is gone, as far as it lies there, and closes it. `other`: the end that the thread would have
 * had.
 */
export function closeWay(kernel: Kernel, other: unknown): void {
  // Only read from: nobody is there who would read what it says.
  const channel = new ThreadChannel<PeerMessage>(
    kernel,
    () => undefined,
    () => undefined,
  )
  const events: PortEvents = {
    message: (batch) => {
      channel.receive(batch as Batch<PeerMessage>, (message) => {
        if (message.type === 'signal') kernel.bounce(message.signal, 'noproc')
      })
    },
    closed: () => undefined,
  }
  const port: ThreadPort = kernel.platform.threads.adoptPort(other, events)
  port.drain()
  port.close()
}
