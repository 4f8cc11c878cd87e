import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

interface Change {
  readonly file: string
  readonly from: RegExp
  readonly to: string
}

/** What a local call asks before it tells nobody anything, as it stands in what the compiler wrote; and what is left without. */
const checks: readonly Change[] = [
  {
    file: 'actor/kernel.js',
    from: /if \(this\.tracing\.isOn\)\s+this\.#trace\([^\n]*/g,
    to: '',
  },
  { file: 'actor/context.js', from: /, timeoutMs, this\)/, to: ', timeoutMs)' },
  {
    file: 'otp/gen-server.js',
    from: /this\.#ctx\.kernel\.tracing\.isOn\s+\? invokeTold\(request, handler, this\.#ctx, args\)\s+: /,
    to: '',
  },
  // Turns still run by way of it: called directly they are compiled in another way, which costs more than what is measured.
  {
    file: 'platform/trace-context.js',
    from: /return scope === undefined \? work\(\) : scope\.run\(trace, work\)/,
    to: 'return work()',
  },
]

/** How often each of those questions is asked once more in the copy that asks them many times. */
export const extraTimes = 16

// Each time another object or variable, so that the compiler can't make one question of them.
const extra = Array.from({ length: extraTimes }, (_, index) => index)
const extras: readonly Change[] = [
  {
    file: 'actor/kernel.js',
    from: /if \(this\.tracing\.isOn\)/g,
    to: `if (this.tracing.isOn${extra.map((one) => ` || this.tracing${one}.isOn`).join('')})`,
  },
  {
    file: 'actor/kernel.js',
    from: /^ {4}tracing = tracing;/m,
    to: `$&${extra.map((one) => ` tracing${one} = { isOn: false };`).join('')}`,
  },
  {
    file: 'otp/gen-server.js',
    from: /this\.#ctx\.kernel\.tracing\.isOn/,
    to: `($&${extra.map((one) => ` || this.#ctx.kernel.tracing${one}.isOn`).join('')})`,
  },
  {
    file: 'platform/trace-context.js',
    from: /return scope === undefined \?/,
    to: `return scope === undefined${extra.map((one) => ` && scope${one} === undefined`).join('')} ?`,
  },
  {
    file: 'platform/trace-context.js',
    from: /^let scope;/m,
    to: `$&${extra.map((one) => ` let scope${one}; export function setScope${one}(next) { scope${one} = next; }`).join('')}`,
  },
]

/** Copies of core: the addresses of their index. */
export interface CoreCopies {
  readonly asIs: string
  /** The same once more. */
  readonly again: string
  /** Without what a local call asks. */
  readonly without: string
  /** Asks all of it `extraTimes` once more. */
  readonly extra: string
  remove(): void
}

/** They stand beside core, so that they find its dependencies. */
export function copyCore(): CoreCopies {
  const built = new URL('../../packages/core/dist/', import.meta.url)
  const folder = mkdtempSync(fileURLToPath(new URL('../node_modules/.core-copies-', built)))
  // Names of one length, so that nothing depends on it.
  const copy = (name: string, changes: readonly Change[]): string => {
    const target = join(folder, name)
    cpSync(built, target, { recursive: true })
    writeFileSync(join(target, 'package.json'), '{ "type": "module" }')
    for (const { file, from, to } of changes) {
      const path = join(target, file)
      const before = readFileSync(path, 'utf8')
      const after = before.replace(from, to)
      if (after === before) throw new Error(`${file} has no longer what this bench changes`)
      writeFileSync(path, after)
    }
    return pathToFileURL(join(target, 'index.js')).href
  }
  return {
    asIs: copy('as-it-is', []),
    again: copy('as-again', []),
    without: copy('without-', checks),
    extra: copy('with-all', extras),
    remove: () => rmSync(folder, { recursive: true }),
  }
}
