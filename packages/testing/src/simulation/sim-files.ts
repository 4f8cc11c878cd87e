import type { Files } from '@skerry/core/platform'
import type { SimKernel } from '../kernel/sim-kernel.ts'
import type { SimUnit } from '../kernel/sim-unit.ts'

// How long a disk takes for what its cache answers, and for what has to reach it, in microseconds: at least, and more.
const cached = { leastUs: 50, moreUs: 950 }
const synced = { leastUs: 300, moreUs: 4_700 }

/**
 * The files of a machine as one thread of one life uses them: each call takes its time, and is done at the end of it, in the
 * order of the calls. What the node crashed before is not done.
 */
export function simFiles(kernel: SimKernel, unit: SimUnit, disk: Files): Files {
  const purpose = kernel.purpose(`disk/${unit.node}`)
  let calls = 0
  let lastUs = 0

  function later<T>(what: string, { leastUs, moreUs }: typeof cached, work: () => Promise<T>): Promise<T> {
    calls += 1
    lastUs = Math.max(lastUs + 1, kernel.nowUs + leastUs + (kernel.draw(purpose, calls) % moreUs))
    return new Promise((resolve, reject) => {
      kernel.schedule(unit, lastUs, 'timer', () => void work().then(resolve, reject), { msg: () => `disk ${what}` })
    })
  }

  return {
    read: (path) => later(`read ${path}`, cached, () => disk.read(path)),
    write: (path, bytes) => {
      const copy = bytes.slice()
      return later(`write ${path}`, synced, () => disk.write(path, copy))
    },
    append: (path, bytes) => {
      const copy = bytes.slice()
      return later(`append ${path}`, cached, () => disk.append(path, copy))
    },
    sync: (path) => later(`sync ${path}`, synced, () => disk.sync(path)),
    remove: (path) => later(`remove ${path}`, cached, () => disk.remove(path)),
    list: (prefix) => later('list', cached, () => disk.list(prefix)),
  }
}
