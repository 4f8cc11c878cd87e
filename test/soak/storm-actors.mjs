// The actors of the storm. Plain JavaScript, as a thread of Node 20 loads nothing else.
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { dynamicSupervisor, genServer } from '@skerry/core'

/** @typedef {import('@skerry/core').Pid<any>} AnyPid */
/** @typedef {import('@skerry/core').Pid<{ call: { echo(value: number): number }, cast: object }>} Echo */
/** @typedef {'same' | 'main' | 'pool' | 'own'} Place */

/** @returns {import('@skerry/core').Behavior<[]>} */
const self = () => victim

/** Does what it is told, mostly to its own harm. */
export const victim = genServer({
  module: import.meta,
  name: 'victim',
  init: (ctx) => {
    ctx.trapExit = ctx.random.int(4) === 0
    return { heard: 0 }
  },
  call: {
    echo: (_ctx, /** @type {number} */ value) => value,
    /** Waits for another one, which may end meanwhile. */
    ask: (ctx, /** @type {Echo} */ pid) => ctx.call(pid, 'echo', [1], { timeoutMs: 200 }).catch(() => undefined),
  },
  cast: {
    link: (ctx, /** @type {AnyPid} */ pid) => ctx.link(pid),
    unlink: (ctx, /** @type {AnyPid} */ pid) => ctx.unlink(pid),
    monitor: (ctx, /** @type {AnyPid} */ pid) => void ctx.monitor(pid),
    exit: (ctx, /** @type {AnyPid} */ pid, /** @type {string} */ reason) => ctx.exit(pid, reason),
    later: (ctx) => void ctx.sendAfter(10_000, ctx.self, 'late'),
    crash: () => {
      throw new RangeError('as it was told')
    },
    spin: () => {
      for (;;);
    },
    /** A linked child that nobody supervises: it ends with this one. */
    bear: (ctx, /** @type {Place} */ thread) => void ctx.spawn(self(), [], { thread, link: true }),
  },
  info: (ctx) => void (ctx.state.heard += 1),
})

export const crowd = dynamicSupervisor('crowd', {
  behavior: victim,
  child: { restart: 'permanent', shutdownMs: 1_000, thread: 'pool' },
  intensity: { maxRestarts: 1_000_000, withinMs: 1_000 },
})

setFlagsFromString('--expose-gc')
const collectGarbage = /** @type {() => void} */ (runInNewContext('gc'))

/** What its thread holds that the kernel does not know of. */
export const probe = genServer({
  module: import.meta,
  name: 'probe',
  init: () => undefined,
  call: {
    look: () => {
      collectGarbage()
      const resources = process.getActiveResourcesInfo()
      const count = (/** @type {string} */ type) => resources.filter((one) => one === type).length
      const names = process.eventNames()
      return {
        timers: count('Timeout') + count('Immediate'),
        ports: count('MessagePort'),
        handles: resources.length,
        listeners: names.reduce((sum, name) => sum + process.listenerCount(name), 0),
        heapMb: process.memoryUsage().heapUsed / 2 ** 20,
      }
    },
  },
})
