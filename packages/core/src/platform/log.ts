/** Where a node writes what an operator should know. The shape is pino's, so that a pino logger fits as it is. */
export interface Log {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

type Level = 'debug' | 'info' | 'warn' | 'error'
const order: readonly Level[] = ['debug', 'info', 'warn', 'error']

/** Writes one line per entry to standard error, from level `least` up. */
export function consoleLog(least: Level = 'warn'): Log {
  const write = (level: Level) => (fields: object, message: string) => {
    if (order.indexOf(level) < order.indexOf(least)) return
    process.stderr.write(`${new Date().toISOString()} ${level} ${message} ${printedFields(fields)}\n`)
  }
  return { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') }
}

/** Says nothing. */
export const silentLog: Log = { debug() {}, info() {}, warn() {}, error() {} }

function printedFields(fields: object): string {
  return JSON.stringify(printableFields(fields))
}

/** The fields as JSON knows them, so that they can be written or sent anywhere. What can't be printed is said, not thrown. */
export function printableFields(fields: object): object {
  try {
    const printed = JSON.stringify(fields, (_key, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value))
    return JSON.parse(printed) as object
  } catch (error) {
    return { unprintable: String(error) }
  }
}
