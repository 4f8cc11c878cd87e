import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { bundleCore, bundleFolder } from './bundle-core.mjs'
import { CommandFailed, root, runNode, runPnpm, workspaceFolders } from './workspace.mjs'

const nodeLeast = { major: 20, minor: 19 }
const stampFile = join(root, 'node_modules', '.skerry-setup')

/**
 * Makes a clean checkout ready to run: installs what the lockfile says, then builds. What is already done is skipped.
 * Says a line on standard error for what takes long. Throws CommandFailed.
 */
export async function setUp() {
  checkNode()
  await installWhenNeeded()
  await build()
}

function checkNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  if (major > nodeLeast.major || (major === nodeLeast.major && minor >= nodeLeast.minor)) return
  throw new CommandFailed(
    `Node ${nodeLeast.major}.${nodeLeast.minor} or later is needed; this is ${process.versions.node}`,
    '',
  )
}

async function installWhenNeeded() {
  const wanted = installFingerprint()
  if (existsSync(stampFile) && readFileSync(stampFile, 'utf8') === wanted) return
  process.stderr.write('set-up: installing the dependencies …\n')
  rmSync(stampFile, { force: true })
  await runPnpm(['install', '--frozen-lockfile'])
  writeFileSync(stampFile, wanted)
}

// The package.json files count too: one that no longer fits the lockfile must fail here as it would on a clean clone.
function installFingerprint() {
  const hash = createHash('sha256')
  const manifests = workspaceFolders().map((folder) => `${folder}/package.json`)
  for (const file of ['pnpm-lock.yaml', 'pnpm-workspace.yaml', 'package.json', ...manifests]) {
    hash.update(`${file}\n`).update(readFileSync(join(root, file)))
  }
  return `${hash.digest('hex')}\n`
}

// Built too, without a manifest of their own: the page that shows a trace, and what core's tests start as programs.
const beside = ['packages/testing/src/trace/page', 'test/swarm', 'test/real']

// What a program needs; benches and other tests are built or checked by those who run them.
async function build() {
  const folders = [...workspaceFolders().filter((folder) => folder !== 'bench'), ...beside]
  for (const folder of folders) removeStaleOutputs(folder)
  if (!folders.every((folder) => existsSync(join(root, folder, 'dist')))) process.stderr.write('set-up: building …\n')
  await runNode('node_modules/typescript/bin/tsc', ['-b', ...folders])
  await bundleCore(join(root, 'packages/core'))
}

// The compiler never deletes what it once wrote, so a renamed source would leave its old output to be found and packed.
/** @param {string} folder */
function removeStaleOutputs(folder) {
  const source = join(root, folder, 'src')
  const target = join(root, folder, 'dist')
  if (!existsSync(target) || !existsSync(source)) return
  for (const file of readdirSync(target, { recursive: true, encoding: 'utf8' })) {
    // Joined from what else is there, and kept in order by who writes it.
    if (file.startsWith(bundleFolder)) continue
    const stem = /^(.+?)\.(?:js|d\.ts)(?:\.map)?$/.exec(file)?.[1]
    if (stem !== undefined && !existsSync(join(source, `${stem}.ts`))) rmSync(join(target, file))
  }
}
