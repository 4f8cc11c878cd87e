import { readdirSync, cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { installLtsNode, ltsNode, ltsNodeRefusal, npmInstall, plainEnvironment } from '../../scripts/lts-node.mjs'
import { CommandFailed, readJson, root, run, runPnpm, workspaceFolders } from '../../scripts/workspace.mjs'

const fixture = fileURLToPath(new URL('fixture/', import.meta.url))

/**
 * What each Node runs in the user's project, with how its last line must begin. The whole line must be the same on every
 * Node: that of simulate.mjs holds the hashes of its runs. A program gets a minute.
 */
const programs = [
  { file: 'every-export.mjs', lastLine: 'every-export: ok' },
  { file: 'regions.mjs', lastLine: 'regions: ok' },
  { file: 'simulate.mjs', lastLine: 'simulate: ok ' },
]

/**
 * Packs the packages, installs the tarballs with npm in an empty project outside the workspace, and uses them there:
 * programs on this Node and on the current LTS, and a strict type-check. Workspace links, missing files and threads
 * that start from a moved file go wrong only here.
 *
 * @returns {Promise<{ passed: number, failed: number, skipped: string[] }>} throws at the first failure
 */
export async function packSmoke() {
  const folder = mkdtempSync(join(tmpdir(), 'skerry-pack-'))
  try {
    return await useIn(folder)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** @param {string} folder */
async function useIn(folder) {
  const project = await installTarballs(folder, await packAll(join(folder, 'tarballs')))
  let passed = 1
  /** @type {string[]} */
  const skipped = []

  await typeCheck(project)
  passed += 1

  const lines = await runPrograms(project, process.execPath, process.versions.node)
  passed += lines.length
  const refusal = ltsNodeRefusal()
  if (refusal === undefined) {
    const ltsLines = await runPrograms(project, await installLtsNode(), ltsNode.version)
    const other = lines.findIndex((line, at) => line !== ltsLines[at])
    if (other !== -1) throw new CommandFailed('the two versions of Node differ', `${lines[other]}\n${ltsLines[other]}`)
    passed += ltsLines.length
  } else {
    skipped.push(...programs.map(({ file }) => `${file} on Node ${ltsNode.version}: ${refusal}`))
  }
  return { passed, failed: 0, skipped }
}

/**
 * @param {string} target
 * @returns {Promise<string[]>} the tarballs
 */
async function packAll(target) {
  mkdirSync(target)
  await runPnpm(['-r', '--filter', './packages/*', 'pack', '--pack-destination', target])
  const tarballs = readdirSync(target).map((name) => join(target, name))
  const expected = workspaceFolders().filter((name) => name.startsWith('packages/')).length
  if (tarballs.length !== expected) throw new Error(`packed ${tarballs.length} of ${expected} packages`)
  return tarballs
}

/**
 * @param {string} folder
 * @param {readonly string[]} tarballs
 * @returns {Promise<string>} the user's project
 */
async function installTarballs(folder, tarballs) {
  const project = emptyProject(join(folder, 'project'))
  const { devDependencies } = readJson('package.json')
  // An optional peer of core, for the entry point that needs it; npm does not install it by itself.
  const others = ['@types/node', '@opentelemetry/api'].map((name) => `${name}@${devDependencies[name]}`)
  await npmInstall(project, [...tarballs, ...others])
  cpSync(fixture, project, { recursive: true })
  console.log(`installed ${tarballs.length} tarballs`)
  return project
}

/** @param {string} project */
async function typeCheck(project) {
  const compilerOptions = {
    target: 'es2023',
    // libp2p's declarations name DOM types, as its users know.
    lib: ['es2023', 'dom'],
    module: 'nodenext',
    types: ['node'],
    strict: true,
    skipLibCheck: false,
    noEmit: true,
  }
  writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['*.ts'] }))
  await run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', project], { cwd: project })
  console.log('type-check of consumer.ts: ok')
}

/**
 * @param {string} project
 * @param {string} node the executable
 * @param {string} version
 * @returns {Promise<string[]>} the last line of each
 */
async function runPrograms(project, node, version) {
  const lines = []
  for (const { file, lastLine } of programs) {
    const { stdout, output } = await run(node, [file], { cwd: project, env: plainEnvironment(), timeoutMs: 60_000 })
    const line = stdout.trimEnd().split('\n').at(-1) ?? ''
    if (!line.startsWith(lastLine)) {
      throw new CommandFailed(`${file} on Node ${version} did not end with "${lastLine}"`, output)
    }
    lines.push(line)
    console.log(`${file} on Node ${version}: ok`)
  }
  return lines
}

/** @param {string} folder */
function emptyProject(folder) {
  mkdirSync(folder)
  writeFileSync(join(folder, 'package.json'), '{ "name": "consumer", "private": true, "type": "module" }\n')
  return folder
}
