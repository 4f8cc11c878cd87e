import { RuntimeError } from '../base/runtime-error.ts'

/** An app or a child spec that can't be right, found when it is defined. */
export class SpecError extends RuntimeError {
  declare readonly code: 'ERR_BAD_SPEC'

  constructor(message: string) {
    super('ERR_BAD_SPEC', message)
  }
}
