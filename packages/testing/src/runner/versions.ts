import { readFile } from 'node:fs/promises'
import type { SavedCase } from './saved-case.ts'

/** What a saved case was made with. */
export async function testingVersions(): Promise<SavedCase['versions']> {
  const own = JSON.parse(await readFile(new URL('../../package.json', import.meta.url), 'utf8')) as { readonly version: string }
  return { node: process.versions.node, testing: own.version }
}
