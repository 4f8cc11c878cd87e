import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/**
 * One full collection, as every process has had that ran for a while. Until its first one V8 lets a heap grow by a large initial bound; from then on
 * the bound follows from what was left, and buffers count to it. So of two processes that do the same the one that had its first collection early, by
 * chance, marks its heap twenty times a second, and takes twice the CPU time for a call of 1 KB.
 */
export function collectOnce(): void {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  collect()
}
