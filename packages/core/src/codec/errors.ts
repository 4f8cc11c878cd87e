import { RuntimeError } from '../base/runtime-error.ts'

export type CodecErrorCode =
  /** The value can't be carried faithfully, or exceeds a limit. `path` says where. Nothing was sent. */
  | 'ERR_NOT_ENCODABLE'
  /** The bytes are not one whole value within the limits. */
  | 'ERR_NOT_DECODABLE'

/** What a codec reports. */
export class CodecError extends RuntimeError {
  declare readonly code: CodecErrorCode
  /** For `ERR_NOT_ENCODABLE`: the place in the value, such as `order.lines[3].fn`. */
  readonly path: string | undefined

  constructor(code: CodecErrorCode, message: string, options?: { cause?: unknown; path?: string }) {
    super(code, message, options)
    this.path = options?.path
  }
}
