import { type Progress, progressLine } from './progress-line.ts'

/** Where a command writes: results, and what is only for whoever waits. */
export interface Ports {
  /** A line of the result. */
  print(line: string): void
  /** A line that is no result. */
  note(line: string): void
  /** Begins to show how far it is, until the returned function is called. */
  showProgress(progress: () => Progress): () => void
  /** From now on the first Ctrl-C aborts this signal; the second ends the process, as ever. */
  watchInterrupt(): AbortSignal
  /** Aborts `controller` after so many real milliseconds, until the returned function is called. */
  after(ms: number, controller: AbortController): () => void
  readonly folder: string
}

const everyMsOnTerminal = 200
const everyMsElsewhere = 5_000

/** The process's own. */
export function consolePorts(): Ports {
  return {
    print: (line) => void process.stdout.write(`${line}\n`),
    note: (line) => void process.stderr.write(`${line}\n`),
    showProgress,
    watchInterrupt: () => {
      const controller = new AbortController()
      process.once('SIGINT', () => controller.abort())
      return controller.signal
    },
    after: (ms, controller) => {
      const timer = setTimeout(() => controller.abort(), Math.min(ms, 2 ** 31 - 1))
      return () => clearTimeout(timer)
    },
    folder: process.cwd(),
  }
}

/** One line that is written over on a terminal, else a line every few seconds. */
function showProgress(progress: () => Progress): () => void {
  const { stderr } = process
  const write = (): void => {
    const line = progressLine(progress())
    stderr.write(stderr.isTTY ? `\r\u001b[K${line}` : `${line}\n`)
  }
  const timer = setInterval(write, stderr.isTTY ? everyMsOnTerminal : everyMsElsewhere)
  return () => {
    clearInterval(timer)
    if (stderr.isTTY) stderr.write('\r\u001b[K')
  }
}
