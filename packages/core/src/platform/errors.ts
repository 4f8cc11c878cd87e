import { RuntimeError } from '../base/runtime-error.ts'

export type FilesErrorCode =
  /** A path that can't be, or that would leave the root. Nothing was touched. */
  | 'ERR_BAD_PATH'
  /** The disk, or the operating system, refused; the cause has its own code, such as `ENOSPC`. How much was written is unknown. */
  | 'ERR_FILES_IO'

/** What goes wrong with a node's files. */
export class FilesError extends RuntimeError {
  declare readonly code: FilesErrorCode

  constructor(code: FilesErrorCode, message: string, options?: { cause?: unknown }) {
    super(code, message, options)
  }
}
