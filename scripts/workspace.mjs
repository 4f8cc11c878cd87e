import { spawn } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

// These scripts run before anything is installed, so they use Node alone.

/** The repository's root folder. */
export const root = fileURLToPath(new URL('..', import.meta.url))

/** A command ended badly; `output` is what it had printed, if it was kept back. */
export class CommandFailed extends Error {
  /**
   * @param {string} message
   * @param {string} output
   */
  constructor(message, output) {
    super(message)
    this.name = 'CommandFailed'
    this.output = output
  }
}

/**
 * Runs a command to its end, without standard input. Rejects with CommandFailed unless it exits with 0.
 *
 * @param {string} command
 * @param {readonly string[]} args
 * @param {object} [options]
 * @param {string} [options.cwd] default: the root folder
 * @param {NodeJS.ProcessEnv} [options.env] default: this process's
 * @param {boolean} [options.show] print what it prints as it comes, instead of keeping it; default: false
 * @param {number} [options.timeoutMs] after this long it is killed and counts as failed; default: 10 minutes
 * @returns {Promise<{ stdout: string, output: string }>} empty strings when `show`
 */
export function run(command, args, options = {}) {
  const { cwd = root, env = process.env, show = false, timeoutMs = 600_000 } = options
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd,
      env,
      stdio: ['ignore', show ? 'inherit' : 'pipe', show ? 'inherit' : 'pipe'],
      // On Windows npm and npx are .cmd files, which only a shell can start.
      shell: process.platform === 'win32' && !command.endsWith('.exe'),
    })
    let stdout = ''
    let output = ''
    child.stdout?.setEncoding('utf8').on('data', (text) => {
      stdout += text
      output += text
    })
    child.stderr?.setEncoding('utf8').on('data', (text) => {
      output += text
    })
    let timedOut = false
    const timer = setTimeout(() => {
      timedOut = true
      child.kill('SIGKILL')
    }, timeoutMs)
    const printed = [command, ...args].join(' ')
    child.on('error', (error) => {
      clearTimeout(timer)
      reject(new CommandFailed(`could not start "${printed}": ${error.message}`, output))
    })
    child.on('close', (code, signal) => {
      clearTimeout(timer)
      if (code === 0) return resolve({ stdout, output })
      const how = timedOut
        ? `did not end within ${timeoutMs / 1000} s`
        : code === null
          ? `was killed by ${signal}`
          : `exited with ${code}`
      reject(new CommandFailed(`"${printed}" ${how}`, output))
    })
  })
}

/**
 * Runs a JavaScript file with this same Node.
 *
 * @param {string} file relative to the root folder
 * @param {readonly string[]} args
 * @param {Parameters<typeof run>[2]} [options]
 */
export function runNode(file, args, options) {
  return run(process.execPath, [join(root, file), ...args], options)
}

/**
 * Runs the pnpm that package.json pins, fetched by npx: no global package is needed, and none can get in the way.
 *
 * @param {readonly string[]} args
 * @param {Parameters<typeof run>[2]} [options]
 */
export function runPnpm(args, options = {}) {
  // CI=true: pnpm must not ask anything. NODE_ENV=production would leave the devDependencies out.
  /** @type {NodeJS.ProcessEnv} */
  const env = { ...process.env, ...options.env, CI: 'true' }
  delete env['NODE_ENV']
  return run('npx', ['-y', pinnedPnpm(), ...args], { ...options, env })
}

function pinnedPnpm() {
  const { packageManager } = readJson('package.json')
  return packageManager.split('+')[0]
}

/**
 * The folders of the workspace's packages, relative to the root. pnpm-workspace.yaml says the same in a form that
 * Node cannot read.
 *
 * @returns {string[]}
 */
export function workspaceFolders() {
  const folders = ['packages', 'examples']
    .filter((parent) => existsSync(join(root, parent)))
    .flatMap((parent) => readdirSync(join(root, parent)).map((name) => `${parent}/${name}`))
  return [...folders, 'bench'].filter((folder) => existsSync(join(root, folder, 'package.json')))
}

/**
 * @param {string} file relative to the root folder
 */
export function readJson(file) {
  return JSON.parse(readFileSync(join(root, file), 'utf8'))
}
