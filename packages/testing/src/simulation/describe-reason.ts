import { printValue } from './print-value.ts'

/** What went wrong, in one line without a stack: stacks name paths, which differ between machines. */
export function describeReason(reason: unknown): string {
  if (reason instanceof Error) {
    const code = 'code' in reason && typeof reason.code === 'string' ? `${reason.code}: ` : ''
    return `${code}${reason.message}`
  }
  if (typeof reason === 'string') return reason
  if (typeof reason === 'object' && reason !== null && 'message' in reason) return String(reason.message)
  return printValue(reason) || String(reason)
}
