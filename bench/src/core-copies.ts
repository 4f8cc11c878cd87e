import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

/** What a local call asks before it tells nobody anything, as it stands in what the compiler wrote; and what is left without. */
const checks: readonly { readonly file: string; readonly from: RegExp; readonly to: string }[] = [
  {
    file: 'actor/kernel.js',
    from: /if \(isAnythingTraced\(\)\)\s+this\.#trace\([^\n]*/g,
    to: '',
  },
  { file: 'actor/context.js', from: /, timeoutMs, this\)/, to: ', timeoutMs)' },
  {
    file: 'otp/gen-server.js',
    from: /isAnythingTraced\(\) \? invokeTold\(request, handler, this\.#ctx, args\) : /,
    to: '',
  },
  // Turns still run by way of it: called directly they are compiled in another way, which costs more than what is measured.
  {
    file: 'platform/trace-context.js',
    from: /return scope === undefined \? work\(\) : scope\.run\(trace, work\)/,
    to: 'return work()',
  },
]

export interface CoreCopies {
  /** Core as it is, and without those checks: the addresses of their index. */
  readonly asIs: string
  readonly without: string
  remove(): void
}

/** Two copies of core, of which one is without those checks. They stand beside core, so that they find its dependencies. */
export function copyCore(): CoreCopies {
  const built = new URL('../../packages/core/dist/', import.meta.url)
  const folder = mkdtempSync(fileURLToPath(new URL('../node_modules/.core-copies-', built)))
  const copy = (name: string): string => {
    const target = join(folder, name)
    cpSync(built, target, { recursive: true })
    writeFileSync(join(target, 'package.json'), '{ "type": "module" }')
    return target
  }
  const [asIs, without] = [copy('as-is'), copy('without')]
  for (const { file, from, to } of checks) {
    const path = join(without, file)
    const before = readFileSync(path, 'utf8')
    const after = before.replace(from, to)
    if (after === before) throw new Error(`${file} has no longer what this bench takes out`)
    writeFileSync(path, after)
  }
  const indexOf = (target: string): string => pathToFileURL(join(target, 'index.js')).href
  return { asIs: indexOf(asIs), without: indexOf(without), remove: () => rmSync(folder, { recursive: true }) }
}
