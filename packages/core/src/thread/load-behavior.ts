import type { Behavior } from '../actor/behavior.ts'
import { ActorError } from '../actor/errors.ts'
import { errorData } from '../base/error-data.ts'

/**
 * Loads a module in this thread and finds the behavior called `name` among its exports: the export of that name, or a
 * procedure that runs it. Throws `ERR_MODULE_LOAD`, naming the file and the cure.
 */
export async function loadBehavior(module: string, name: string): Promise<Behavior> {
  let exports: Record<string, unknown>
  try {
    exports = (await import(module)) as Record<string, unknown>
  } catch (error) {
    throw new ActorError('ERR_MODULE_LOAD', `${module} can not be loaded on a thread: ${cureOf(module, error)}`, {
      cause: error,
    })
  }
  const found = Object.values(exports)
    .map(behaviorOf)
    .find((behavior) => behavior?.name === name)
  if (found !== undefined) return found
  const names = Object.keys(exports).join(', ') || 'nothing'
  throw new ActorError(
    'ERR_MODULE_LOAD',
    `${module} exports no behavior called "${name}" (it exports ${names}): export it, under that name, from the module whose import.meta it was given`,
  )
}

function behaviorOf(value: unknown): Behavior | undefined {
  if (isBehavior(value)) return value
  if (typeof value === 'object' && value !== null && 'behavior' in value && isBehavior(value.behavior))
    return value.behavior
  return undefined
}

function isBehavior(value: unknown): value is Behavior {
  return typeof value === 'object' && value !== null && 'createProcess' in value && 'name' in value
}

function cureOf(module: string, error: unknown): string {
  const { message, code } = errorData(error)
  if (code === 'ERR_UNKNOWN_FILE_EXTENSION' && /\.[cm]?tsx?$/.test(module)) {
    return `this Node can not load TypeScript in a worker. Build it to JavaScript, or use Node 22.18 or newer. (${message})`
  }
  return message
}
