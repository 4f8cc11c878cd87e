import { availableParallelism } from 'node:os'
import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from 'node:worker_threads'

/** Why a thread is no more. `error` is what it threw outside any actor, if it did. */
export interface ThreadEnd {
  readonly exitCode: number
  readonly error?: Error
}

/** A way to another thread: the owner's to a thread that it started, or a direct one. */
export interface ThreadPort {
  /**
   * Sends one message (structured clone). `carried`: ends of ports, and buffers, in it, which go over to the other thread. After the
   * other side ended it does nothing. Throws when the message can't be cloned.
   */
  post(message: unknown, carried?: readonly unknown[]): void
  /**
   * Delivers now what the other side has posted already. Messages of two ports come in any order; this is how a thread
   * makes sure that it has seen everything that was posted before a message that it has just got.
   */
  drain(): void
  /** What was posted before still arrives. */
  close(): void
}

export interface PortEvents {
  message(message: unknown): void
  /** The other side closed it, or its thread ended. Comes after the last `message`. */
  closed(): void
}

/** The owner's hold on a thread. */
export interface ThreadHandle extends ThreadPort {
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

/** Starts threads and ways between them. In simulation they are kernels in the same thread, with messages still cloned at the border. */
export interface Threads {
  /** How many threads can run at the same time. */
  readonly parallelism: number
  start(boot: unknown, events: ThreadEvents): ThreadHandle
  /** Opens a direct way. `other` goes to another thread, in a message that carries it, and is adopted there. */
  openPort(events: PortEvents): { readonly port: ThreadPort; readonly other: unknown }
  adoptPort(other: unknown, events: PortEvents): ThreadPort
  /** Tells which behavior, as an object, other threads will be asked to run. Only simulators, which load no module again, have it. */
  lend?(behavior: unknown): void
  /** Ends what is kept in reserve. */
  stop?(): void
}

/** What a thread's entry finds in its `workerData`. Its boot is the first message of the port. */
export interface ThreadWorkerData {
  readonly skerryPort: MessagePort
  /** The root of the node's files. */
  readonly skerryFilesRoot: string
  /** Whether messages are frozen as they are handed over. */
  readonly skerryFreezes: boolean
  /** The URL of the module that it runs before anything of the node. */
  readonly skerrySetup: string | undefined
}

export interface SystemThreadsOptions {
  /** The module that a thread runs. */
  readonly entry: URL
  readonly filesRoot: string
  /** The heap of each thread, in MiB. */
  readonly heapMb: number | undefined
  /** Threads that are started ahead, once the first was asked for, so that the next one is there at once. */
  readonly spares: number
  /** Whether messages are frozen there as they are handed over. Default false. */
  readonly freezes?: boolean
  /** The URL of a module that each thread imports before it does anything for the node. */
  readonly setup?: string | undefined
}

/** A worker that waits for its boot, or runs. */
interface WorkerParts {
  readonly worker: Worker
  readonly port: MessagePort
  /** Absent while it is a spare. */
  events: ThreadEvents | undefined
  error: Error | undefined
  exitCode: number | undefined
  portClosed: boolean
}

/** Real worker threads. */
export function systemThreads(options: SystemThreadsOptions): Threads {
  const spares = new Set<WorkerParts>()
  let stopped = false

  function startWorker(): WorkerParts {
    const { port1: port, port2: theirs } = new MessageChannel()
    const workerData: ThreadWorkerData = {
      skerryPort: theirs,
      skerryFilesRoot: options.filesRoot,
      skerryFreezes: options.freezes ?? false,
      skerrySetup: options.setup,
    }
    const worker = new Worker(options.entry, {
      workerData,
      transferList: [theirs],
      stdin: false,
      ...(options.heapMb !== undefined && { resourceLimits: { maxOldGenerationSizeMb: options.heapMb } }),
    })
    const parts: WorkerParts = {
      worker,
      port,
      events: undefined,
      error: undefined,
      exitCode: undefined,
      portClosed: false,
    }
    port.on('message', (message: unknown) => {
      parts.events?.message(message)
      fillSpares()
    })
    port.on('close', () => {
      parts.portClosed = true
      endWhenBoth(parts)
    })
    worker.on('error', (thrown: unknown) => {
      parts.error = thrown instanceof Error ? thrown : new Error(String(thrown))
    })
    worker.on('exit', (code) => {
      parts.exitCode = code
      endWhenBoth(parts)
    })
    return parts
  }

  /** A machine that can't run one more says so here or by the worker's end: both are ends. */
  function tryWorker(): WorkerParts | Error {
    try {
      return startWorker()
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error))
    }
  }

  function endWhenBoth(parts: WorkerParts): void {
    const { exitCode, portClosed, error } = parts
    if (exitCode === undefined || !portClosed) return
    // A spare that ended is not replaced before the next start: it would end again.
    spares.delete(parts)
    parts.events?.ended({ exitCode, ...(error !== undefined && { error }) })
  }

  /** Behind the first word of a thread that was asked for, so that it does not compete with that one's start. */
  function fillSpares(): void {
    while (!stopped && spares.size < options.spares) {
      const spare = tryWorker()
      // The machine has no room for one now. The next start tries again, and is told.
      if (spare instanceof Error) return
      // What waits in reserve must not keep a process alive.
      spare.worker.unref()
      spare.port.unref()
      spares.add(spare)
    }
  }

  return {
    parallelism: availableParallelism(),
    start(boot, events) {
      const [spare] = spares
      const parts = spare ?? tryWorker()
      if (parts instanceof Error) {
        setImmediate(() => events.ended({ exitCode: 1, error: parts }))
        return deadThread
      }
      try {
        parts.port.postMessage(boot)
      } catch (error) {
        if (spare === undefined) void parts.worker.terminate()
        throw error
      }
      parts.events = events
      if (spare !== undefined) {
        spares.delete(spare)
        spare.worker.ref()
        spare.port.ref()
      }
      return {
        ...wayOver(parts.port, (message) => events.message(message)),
        terminate: () => void parts.worker.terminate(),
      }
    },
    openPort(events) {
      const { port1, port2 } = new MessageChannel()
      return { port: listenOn(port1, events), other: port2 }
    },
    adoptPort: (other, events) => listenOn(other as MessagePort, events),
    stop() {
      stopped = true
      for (const { worker } of spares) void worker.terminate()
      spares.clear()
    },
  }
}

/** One that never was. */
const deadThread: ThreadHandle = {
  post: () => undefined,
  drain: () => undefined,
  close: () => undefined,
  terminate: () => undefined,
}

function listenOn(port: MessagePort, events: PortEvents): ThreadPort {
  port.on('message', (message: unknown) => events.message(message))
  port.on('close', () => events.closed())
  return wayOver(port, (message) => events.message(message))
}

/** Without a list where nothing is carried: Node would read it each time. */
export function postOn(port: MessagePort, message: unknown, carried: readonly unknown[] | undefined): void {
  if (carried === undefined) port.postMessage(message)
  else port.postMessage(message, carried as MessagePort[])
}

function wayOver(port: MessagePort, onMessage: (message: unknown) => void): ThreadPort {
  return {
    post: (message, carried) => postOn(port, message, carried),
    drain() {
      for (;;) {
        const received = receiveMessageOnPort(port)
        if (received === undefined) return
        onMessage(received.message)
      }
    },
    close: () => port.close(),
  }
}
