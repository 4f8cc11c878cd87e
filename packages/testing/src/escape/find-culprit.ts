import { fileURLToPath } from 'node:url'
import type { Escape } from './escape-world.ts'

const ownFolder = new URL('.', import.meta.url)
const ownPackage = new URL('..', import.meta.url)
// A test runner's own work is not the user's: what it prints, how it maps stacks to sources.
const runner = /[\\/]node_modules[\\/](?:vitest|@vitest|vite|vite-node)[\\/]/
// Node while it loads a module, of the user's or of its own, or maps a stack.
const loaders = ['node:internal/modules/', 'node:internal/bootstrap/', 'node:internal/source_map/']
const framesMax = 60

const framePattern = /^\s+at (?:.*\()?((?:file:|node:|\/|[A-Za-z]:[\\/]).*?):(\d+):(\d+)\)?$/

let looking = false

/**
 * Who called: the nearest frame that is neither Node's nor this folder's. `undefined` when that is the simulation or the test
 * runner, when Node loads a module, or when nobody's frame is left (Node going on with something by itself). `isDirect`: nor
 * when Node itself called, on someone's behalf.
 */
export function findCulprit(what: string, isDirect = false): Escape | undefined {
  // Reading a stack may run a hook that maps it to its sources, which reads files.
  if (looking) return undefined
  looking = true
  try {
    const stack = ownStack()
    for (const text of stack.split('\n')) {
      const frame = framePattern.exec(text)
      if (frame === null) continue
      const [, place = '', line = '', column = ''] = frame
      if (isLoader(place)) return undefined
      if (isDirect && place.startsWith('node:')) return undefined
      if (place.startsWith('node:') || isWithin(place, ownFolder)) continue
      if (isWithin(place, ownPackage) || runner.test(place)) return undefined
      return { what, file: pathOf(place), line: Number(line), column: Number(column), stack }
    }
    return undefined
  } finally {
    looking = false
  }
}

function ownStack(): string {
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = framesMax
  try {
    return String(new Error('escaped here').stack)
  } finally {
    Error.stackTraceLimit = stackTraceLimit
  }
}

function isLoader(place: string): boolean {
  return loaders.some((loader) => place.startsWith(loader))
}

function isWithin(place: string, folder: URL): boolean {
  return place.startsWith(folder.href) || pathOf(place).startsWith(fileURLToPath(folder))
}

function pathOf(place: string): string {
  return place.startsWith('file:') ? fileURLToPath(place) : place
}
