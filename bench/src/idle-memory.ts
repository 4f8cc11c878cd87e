import { fork } from 'node:child_process'
import type { Figures } from './contest.ts'

/** The heap that one of 100,000 idle GenServers takes, in bytes, measured in a process of its own. */
export function idleMemory(): Promise<Figures> {
  const child = fork(new URL('./idle-memory-process.js', import.meta.url))
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code) => reject(new Error(`the process that measures memory ended with ${code}`)))
    child.once('message', (figures) => resolve(figures as Figures))
  })
}
