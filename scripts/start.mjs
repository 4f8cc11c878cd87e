// npm start: sets up, then runs the example of three regions with the arguments given after "--".
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { setUp } from './set-up.mjs'
import { CommandFailed, root } from './workspace.mjs'

try {
  await setUp()
} catch (error) {
  if (!(error instanceof CommandFailed)) throw error
  process.stderr.write(`${error.output}\nset-up failed: ${error.message}\n`)
  process.exit(1)
}

const main = join(root, 'examples', 'three-regions', 'dist', 'main.js')
const child = spawn(process.execPath, [main, ...process.argv.slice(2)], { stdio: 'inherit' })
// A terminal sends Ctrl-C to both processes: this one stays until the example has stopped its nodes.
process.on('SIGINT', () => {})
process.on('SIGTERM', () => child.kill('SIGTERM'))
child.on('error', (error) => {
  process.stderr.write(`could not start the example: ${error.message}\n`)
  process.exitCode = 1
})
child.on('close', (code, signal) => {
  if (signal !== null) process.stderr.write(`the example was killed by ${signal}\n`)
  process.exitCode = code ?? 1
})
