import type { EscapeWorld } from './escape-world.ts'
import { Patches } from './patches.ts'
import { loadTrapped, setTraps } from './traps.ts'
import { patchClocks } from './virtual-clocks.ts'
import { patchRandom } from './virtual-random.ts'
import { patchTimers } from './virtual-timers.ts'

let installed = false

/**
 * Until the returned function is called, code that runs in an event of the simulation gets the world's time, chance and
 * timers from the globals and from Node's modules, and what can't be simulated is reported with the line that used it. Code
 * that runs outside of an event gets what is real. Afterwards every property is as it was. One at a time in a thread.
 *
 * Not reached: functions that a module took into variables of its own before (`const { setTimeout } = globalThis`), of which
 * the escape detector sees the I/O; the time in `Event.timeStamp`, in marks and measures, and of formatting no date; `import()`.
 * For named imports of built-in modules both directions work.
 *
 * @example
 * const restore = installVirtualGlobals(world)
 * try { await kernel.run(untilUs) } finally { restore() }
 */
export function installVirtualGlobals(world: EscapeWorld): () => void {
  if (installed) throw new Error('Assertion failed: one simulation at a time in a thread')
  installed = true
  loadTrapped()
  const patches = new Patches()
  patchClocks(patches, world)
  patchRandom(patches, world)
  patchTimers(patches, world)
  setTraps(patches, world)
  patches.publish()
  return () => {
    if (!installed) return
    installed = false
    patches.restore()
  }
}
