import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { root } from './workspace.mjs'

/**
 * Runs a built program with this terminal, and ends with its exit code.
 *
 * @param {string} file relative to the root
 * @param {readonly string[]} args
 * @param {string} [node] the executable; default: this Node
 */
export function runProgram(file, args, node = process.execPath) {
  const child = spawn(node, [join(root, file), ...args], { stdio: 'inherit' })
  // A terminal sends Ctrl-C to both processes: this one stays until the program has cleaned up.
  process.on('SIGINT', () => {})
  process.on('SIGTERM', () => child.kill('SIGTERM'))
  child.on('error', (error) => {
    process.stderr.write(`could not start ${file}: ${error.message}\n`)
    process.exitCode = 1
  })
  child.on('close', (code, signal) => {
    if (signal !== null) process.stderr.write(`${file} was killed by ${signal}\n`)
    process.exitCode = code ?? 1
  })
}
