import { RuntimeError } from '../base/runtime-error.ts'

export type GroupsErrorCode =
  /** An actor of another node, or of an earlier life of this one, was to join: it joins on its own node. */
  | 'ERR_NOT_LOCAL'
  /** The scope has as many memberships, or monitors, as it takes. */
  | 'ERR_GROUPS_FULL'
  /** A group's name is empty or too long. */
  | 'ERR_BAD_GROUP'

/** Why nobody joined, or nothing is watched. Nothing was changed. */
export class GroupsError extends RuntimeError {
  declare readonly code: GroupsErrorCode
  readonly outcome = 'not-run'

  constructor(code: GroupsErrorCode, message: string) {
    super(code, message)
  }
}
