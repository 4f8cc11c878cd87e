import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads'

/** Why a thread is no more. `error` is what it threw outside any actor, if it did. */
export interface ThreadEnd {
  readonly exitCode: number
  readonly error?: Error
}

/** The owner's hold on a thread. */
export interface ThreadHandle {
  /** Sends one message (structured clone). After the thread ended it does nothing. Throws when the message can't be cloned. */
  post(message: unknown): void
  /** Stops the thread, also one that never yields. Native calls in progress run to their end first. */
  terminate(): void
}

export interface ThreadEvents {
  message(message: unknown): void
  /**
   * Called once, after the last `message`. A worker's exit event overtakes messages that it had posted, so this waits
   * for both the exit and the close of the thread's port.
   */
  ended(end: ThreadEnd): void
}

/** Starts threads. In simulation they are kernels in the same thread, with messages still cloned at the border. */
export interface Threads {
  /**
   * `inProcess` is the behavior that the thread runs, as an object. Only threads that are none can use it, and so load no
   * module again; real ones ignore it and find the behavior by what `boot` says.
   */
  start(boot: unknown, events: ThreadEvents, inProcess: unknown): ThreadHandle
}

/** What a thread's entry finds in its `workerData`. */
export interface ThreadWorkerData {
  readonly skerryBoot: unknown
  readonly skerryPort: MessagePort
  /** The root of the node's files. */
  readonly skerryFilesRoot: string
}

/** Real worker threads that run the module at `entry`, with their files below `filesRoot` and heaps of at most `heapMb`. */
export function systemThreads(entry: URL, filesRoot: string, heapMb?: number): Threads {
  return {
    start(boot, events) {
      const { port1: ours, port2: theirs } = new MessageChannel()
      const workerData: ThreadWorkerData = { skerryBoot: boot, skerryPort: theirs, skerryFilesRoot: filesRoot }
      const worker = new Worker(entry, {
        workerData,
        transferList: [theirs],
        stdin: false,
        ...(heapMb !== undefined && { resourceLimits: { maxOldGenerationSizeMb: heapMb } }),
      })
      let error: Error | undefined
      let exitCode: number | undefined
      let portClosed = false

      const endWhenBoth = (): void => {
        if (exitCode === undefined || !portClosed) return
        events.ended({ exitCode, ...(error !== undefined && { error }) })
      }
      ours.on('message', (message: unknown) => events.message(message))
      ours.on('close', () => {
        portClosed = true
        endWhenBoth()
      })
      worker.on('error', (thrown: unknown) => {
        error = thrown instanceof Error ? thrown : new Error(String(thrown))
      })
      worker.on('exit', (code) => {
        exitCode = code
        endWhenBoth()
      })
      return {
        post: (message) => ours.postMessage(message),
        terminate: () => void worker.terminate(),
      }
    },
  }
}
