import { readFileSync, readlinkSync } from 'node:fs'

/**
 * Who wrote something down: one thread of one process, named so that nobody later can be mistaken for it. A thread and
 * not only a process, because an actor with a thread of its own may be ended while its process lives on.
 *
 * Everything but `pid` is absent where there is no `/proc` (macOS, Windows).
 */
export interface ThreadIdentity {
  readonly pid: number
  readonly proc?: {
    readonly thread: number
    /** Start times in clock ticks since the boot: a pid or a thread number that is used again has a later one. */
    readonly processStarted: string
    readonly threadStarted: string
    /** New at every boot of the machine, which starts the ticks and the pids afresh. */
    readonly boot: string
    /** In another pid namespace (another container) our pids mean nothing. */
    readonly namespace: string
  }
}

/** This thread. Must be called on the thread that is meant. */
export function currentThread(): ThreadIdentity {
  const { pid } = process
  if (process.platform !== 'linux') return { pid }
  const thread = Number(readlinkSync('/proc/thread-self').split('/')[2])
  const processStat = readStat(`/proc/${pid}/stat`)
  const threadStat = readStat(`/proc/${pid}/task/${thread}/stat`)
  if (processStat === undefined || threadStat === undefined) return { pid }
  return {
    pid,
    proc: {
      thread,
      processStarted: processStat.started,
      threadStarted: threadStat.started,
      boot: readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim(),
      namespace: readlinkSync('/proc/self/ns/pid'),
    },
  }
}

/**
 * Whether a thread can still do anything. `gone` is said only when it is certain, and stays true for ever. `alive` may
 * be a mistake on the safe side: without `/proc` it means that some process has this pid, whichever it is, and the end
 * of a single thread goes unseen. `unseen` is a thread of another pid namespace of this same machine.
 */
export function threadState(thread: ThreadIdentity): 'gone' | 'alive' | 'unseen' {
  const here = currentThread().proc
  const { pid, proc } = thread
  if (proc !== undefined && here !== undefined) {
    if (proc.boot !== here.boot) return 'gone'
    if (proc.namespace !== here.namespace) return 'unseen'
  }
  if (!hasProcess(pid)) return 'gone'
  if (proc === undefined || here === undefined) return 'alive'

  const processStat = readStat(`/proc/${pid}/stat`)
  // Either it ended just now, or /proc is mounted so that other users' processes are hidden.
  if (processStat === undefined) return hasProcess(pid) ? 'alive' : 'gone'
  if (processStat.started !== proc.processStarted) return 'gone'
  const threadStat = readStat(`/proc/${pid}/task/${proc.thread}/stat`)
  return threadStat === undefined || threadStat.started !== proc.threadStarted || threadStat.ending ? 'gone' : 'alive'
}

function hasProcess(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // EPERM: it is there and belongs to somebody else.
    return (error as NodeJS.ErrnoException).code !== 'ESRCH'
  }
}

interface Stat {
  readonly started: string
  /** It runs no more of its own code; only its entry is left. */
  readonly ending: boolean
}

// The kernel's PF_EXITING: set before a joiner is woken, so that a thread whose end was reported is never taken for alive.
const exitingFlag = 0x4

function readStat(path: string): Stat | undefined {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ESRCH') return undefined
    throw error
  }
  // The second field is the name in parentheses and may hold spaces and parentheses itself; `fields[0]` is the third.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  const [state = '', flags = '', started = ''] = [fields[0], fields[6], fields[19]]
  return { started, ending: state === 'Z' || state === 'X' || (Number(flags) & exitingFlag) !== 0 }
}
