import { type MessagePort, workerData } from 'node:worker_threads'
import type { IoPost } from '../io/io-batch.ts'
import type { IoBoot, ToIo } from '../io/io-message.ts'
import { TransportHost } from '../io/transport-host.ts'
import { silentLog } from '../platform/log.ts'
import type { ThreadWorkerData } from '../platform/threads.ts'
import { loadTransport } from './load-transport.ts'
import { systemPlatform } from './system-platform.ts'
import { markThread } from './thread-guard.ts'

const { skerryPort, skerryFilesRoot } = workerData as ThreadWorkerData
const port: MessagePort = skerryPort

port.once('message', (boot: IoBoot) => void run(boot))

// What main sends until the transport's module is loaded waits in the port, which `once` has stopped.
async function run(boot: IoBoot): Promise<void> {
  const { module, export: name, options, words, environment } = boot
  markThread(module)
  const { transport } = await loadTransport({ module, export: name, options, thread: 'main' }, {})
  const host = new TransportHost({
    transport,
    platform: systemPlatform({ environment, filesRoot: skerryFilesRoot, log: silentLog }),
    words,
    post: (post, carried) => port.postMessage(post, carried),
  })
  port.on('message', (post: IoPost<ToIo>) => host.receive(post))
  await host.start()
}
