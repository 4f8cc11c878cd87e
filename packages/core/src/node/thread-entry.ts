import { type MessagePort, workerData } from 'node:worker_threads'
import type { ThreadWorkerData } from '../platform/threads.ts'
import type { FromThread, ReadReceipt, ThreadBoot, ToThread } from '../thread/thread-message.ts'
import { systemPlatform } from './system-platform.ts'
import { markThread } from './thread-guard.ts'
import { runThread } from './thread-main.ts'

const { skerryBoot, skerryPort, skerryFilesRoot } = workerData as ThreadWorkerData
const boot = skerryBoot as ThreadBoot
const port: MessagePort = skerryPort

// Signals that come while the module loads wait in this list, in order; the port itself keeps the thread alive.
const early: (readonly (ToThread | ReadReceipt)[])[] = []
let listener: (batch: readonly (ToThread | ReadReceipt)[]) => void = (batch) => early.push(batch)
port.on('message', (batch: readonly (ToThread | ReadReceipt)[]) => listener(batch))

markThread(boot.module)
await runThread(
  boot,
  {
    post: (batch: readonly (FromThread | ReadReceipt)[]) => port.postMessage(batch),
    onMessage(on) {
      listener = on
      for (const batch of early.splice(0)) on(batch)
    },
  },
  systemPlatform({ environment: boot.environment, filesRoot: skerryFilesRoot }),
)
