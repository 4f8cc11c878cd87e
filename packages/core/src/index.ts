export { type ErrorData, errorData, errorFromData } from './base/error-data.ts'
export { RuntimeError } from './base/runtime-error.ts'
export { TransportError, type TransportErrorCode } from './mesh/errors.ts'
