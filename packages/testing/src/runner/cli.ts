import { TestingError } from '../platform/errors.ts'
import { caseCommand } from './case-command.ts'
import { parseCommandLine, usage } from './cli-args.ts'
import { consolePorts } from './console-ports.ts'
import { runCommand } from './run-command.ts'

// What `bin/skerry-sim.mjs` runs.

// Before a Date is formatted, here or in a thread: V8 asks once, for the whole process.
process.env['TZ'] = 'UTC'
const ports = consolePorts()

main(process.argv.slice(2)).then(
  (exitCode) => {
    process.exitCode = exitCode
  },
  (error: unknown) => {
    process.exitCode = 2
    const isOurs = error instanceof TestingError
    ports.note(`skerry-sim: ${isOurs ? error.message : ((error as Error).stack ?? String(error))}`)
    if (isOurs && error.code === 'ERR_BAD_OPTION') ports.note('See skerry-sim --help.')
  },
)

async function main(args: readonly string[]): Promise<number> {
  const command = parseCommandLine(args)
  switch (command.command) {
    case 'help':
      ports.print(usage)
      return 0
    case 'run':
      return await runCommand(command, ports)
    default:
      return await caseCommand(command.command, command, ports)
  }
}
