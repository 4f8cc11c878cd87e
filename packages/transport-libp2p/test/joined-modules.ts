import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { rolldown } from 'rolldown'

/** This package and all that it depends on, but for core, as few files. */
export interface JoinedModules {
  readonly url: string
  remove(): Promise<void>
}

/**
 * Joins the modules of a package, by default this one, as it is built, for threads that load it again and again: libp2p is some hundreds of
 * modules, which take three times as long to load one by one.
 */
export async function joinModules(packageUrl = new URL('..', import.meta.url)): Promise<JoinedModules> {
  const home = fileURLToPath(packageUrl)
  // From there core is found as from the package itself.
  const dir = await mkdtemp(join(home, 'node_modules', '.joined-'))
  const bundle = await rolldown({
    input: join(home, 'dist/index.js'),
    platform: 'node',
    external: [/^@skerry\/core/, /^node:/],
    logLevel: 'silent',
  })
  await bundle.write({ dir, format: 'esm', entryFileNames: 'index.js' })
  await bundle.close()
  return { url: pathToFileURL(join(dir, 'index.js')).href, remove: () => rm(dir, { recursive: true }) }
}
