import { cpSync, mkdirSync, readdirSync, realpathSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { plant } from './planted-bug.mjs'
import { bundleCore } from '../../scripts/bundle-core.mjs'
import { root, runNode } from '../../scripts/workspace.mjs'

/** @typedef {import('./planted-bug.mjs').PlantedBug} PlantedBug */

/**
 * Copies what a simulation needs to `target`: core with its sources, testing and the swarm as they are built. With a bug,
 * that is planted in the copy, which is then compiled anew; a bug that does not compile is no bug that anybody would have.
 *
 * @param {string} target
 * @param {PlantedBug} [bug]
 */
export async function copyOfCore(target, bug) {
  rmSync(target, { recursive: true, force: true })
  for (const path of copied) cpSync(join(root, path), join(target, path), { recursive: true })
  linkPackages(target)
  if (bug === undefined) return
  plant(bug, target)
  // The output that its own sources would give stays, but for the files that the patch concerns.
  rmSync(join(target, 'packages/core/dist/.tsbuildinfo'), { force: true })
  await runNode('node_modules/typescript/bin/tsc', ['-p', join(target, 'packages/core')])
  await bundleCore(join(target, 'packages/core'))
}

const copied = [
  'tsconfig.base.json',
  'packages/core/package.json',
  'packages/core/tsconfig.json',
  'packages/core/src',
  'packages/core/dist',
  'packages/testing/package.json',
  'packages/testing/dist',
  'packages/testing/data',
  'test/swarm/dist',
]

/** Our packages are found in the copy, all others where they are installed. */
function linkPackages(/** @type {string} */ target) {
  const modules = join(target, 'node_modules')
  mkdirSync(join(modules, '@skerry'), { recursive: true })
  for (const name of ['core', 'testing']) link(join(target, 'packages', name), join(modules, '@skerry', name))
  const installed = join(root, 'packages/core/node_modules')
  for (const name of readdirSync(installed)) link(realpathSync(join(installed, name)), join(modules, name))
  link(realpathSync(join(root, 'node_modules/@types')), join(modules, '@types'))
}

/**
 * @param {string} target
 * @param {string} path
 */
function link(target, path) {
  // Junctions need no rights on Windows; elsewhere the kind is ignored.
  symlinkSync(target, path, 'junction')
}
