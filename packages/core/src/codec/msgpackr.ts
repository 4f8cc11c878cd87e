import { createRequire } from 'node:module'
import type * as Msgpackr from 'msgpackr'

let loaded: typeof Msgpackr | undefined

/**
 * msgpackr by the entry that is plain JavaScript without the native addon, never generates code, and shares no table of
 * extensions with an application that imports 'msgpackr' itself. It is loaded when it is first needed, which on many threads is never;
 * and required, since the entry is CommonJS: to import it Node would first compile, on every thread, what finds a CommonJS module's names.
 */
export function msgpackr(): typeof Msgpackr {
  loaded ??= createRequire(import.meta.url)('msgpackr/index-no-eval') as typeof Msgpackr
  return loaded
}
