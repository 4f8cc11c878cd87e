import { type ErrorData, errorData } from './error-data.ts'

/**
 * Base of every error that Skerry reports for something a caller can act on. `code` is stable and is what programs
 * should compare; `message` is for people and may change. Programmer errors are plain assertions instead.
 *
 * @example
 * try { await ctx.call(pid, 'add', [2]) } catch (error) {
 *   if (error instanceof RuntimeError && error.code === 'ERR_CALL_TIMEOUT') retryLater()
 * }
 */
export class RuntimeError extends Error {
  readonly code: string

  constructor(code: string, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.name = new.target.name
    this.code = code
  }

  /** The error as plain data, which survives threads and the wire; a class instance does not. */
  toData(): ErrorData {
    return errorData(this)
  }
}
