import { type MessagePort, receiveMessageOnPort, workerData } from 'node:worker_threads'
import { postOn, type ThreadWorkerData } from '../platform/threads.ts'
import { BlockMarker } from '../thread/block-marker.ts'
import { loadBehavior } from '../thread/load-behavior.ts'
import type { Batch } from '../thread/thread-channel.ts'
import type { ThreadBoot, ToThread } from '../thread/thread-message.ts'
import { systemPlatform } from './system-platform.ts'
import { markThread } from './thread-guard.ts'
import { runThread } from './thread-main.ts'

const { skerryPort, skerryFilesRoot, skerryFreezes, skerrySetup } = workerData as ThreadWorkerData
const port: MessagePort = skerryPort

// Before all else, as what it starts may want to see the first thing that happens. What is sent meanwhile waits in the port.
if (skerrySetup !== undefined) {
  markThread(skerrySetup)
  await import(skerrySetup)
}

// What the modules of actors import, and so is loaded in any case: a thread in reserve has it when its boot comes.
const everything = new URL(import.meta.url.endsWith('.ts') ? '../index.ts' : '../index.js', import.meta.url)
void import(everything.href)

// The first message is the boot. A thread in reserve waits for it.
port.once('message', (boot: ThreadBoot) => {
  const platform = systemPlatform({
    environment: boot.environment,
    filesRoot: skerryFilesRoot,
    freezeMessages: skerryFreezes,
    ...(boot.pool !== undefined && { turnObserver: new BlockMarker(boot.pool.blockWords) }),
  })
  let take = (_batch: Batch<ToThread>): void => undefined
  let reading = false
  const receive = (batch: Batch<ToThread>): void => {
    reading = true
    take(batch)
    reading = false
  }
  runThread(
    boot,
    {
      post: (batch, carried) => postOn(port, batch, carried),
      onMessage(on) {
        take = on
        port.on('message', receive)
      },
      drain() {
        if (reading) return
        for (;;) {
          const received = receiveMessageOnPort(port)
          if (received === undefined) return
          receive(received.message)
        }
      },
    },
    platform,
    (module, name) => {
      markThread(module)
      return loadBehavior(module, name)
    },
  )
})
