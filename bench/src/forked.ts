import { type ChildProcess, fork } from 'node:child_process'

/** Forks one of our own modules and waits for its first message, which is whatever that module says. */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters
export function forked<Ready>(
  module: string,
  args: readonly string[] = [],
): Promise<{ child: ChildProcess; ready: Ready }> {
  const child = fork(new URL(module, import.meta.url), args)
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code) => reject(new Error(`${module} ended with ${code} before it was ready`)))
    child.once('message', (ready) => resolve({ child, ready: ready as Ready }))
  })
}

/** Tells it to end, and waits until it has. */
export function endOf(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    child.once('exit', () => resolve())
    child.disconnect()
  })
}
