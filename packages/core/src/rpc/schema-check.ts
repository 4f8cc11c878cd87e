import type { StandardSchemaV1 } from '@standard-schema/spec'
import { type ErrorData, errorData } from '../base/error-data.ts'

/** A value as its schema gives it back; or what the schema has against it: the first five issues, each with its path. */
export type Checked =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly message: string; readonly cause?: ErrorData }

/** Applies a schema, if there is one. `what` begins the message: `The argument`. */
export async function checkValue(schema: StandardSchemaV1 | undefined, value: unknown, what: string): Promise<Checked> {
  if (schema === undefined) return { ok: true, value }
  let checked: StandardSchemaV1.Result<unknown>
  try {
    checked = await schema['~standard'].validate(value)
  } catch (error) {
    const { message } = errorData(error)
    return { ok: false, message: `${what} made its schema throw: ${message}`, cause: errorData(error) }
  }
  if (checked.issues === undefined) return { ok: true, value: checked.value }
  return { ok: false, message: `${what} does not fit: ${printIssues(checked.issues)}` }
}

function printIssues(issues: readonly StandardSchemaV1.Issue[]): string {
  const shown = issues.slice(0, 5).map((issue) => {
    const path = (issue.path ?? []).map((part) => String(typeof part === 'object' ? part.key : part)).join('.')
    return path === '' ? issue.message : `${path}: ${issue.message}`
  })
  return issues.length > shown.length
    ? `${shown.join('; ')}; and ${issues.length - shown.length} more`
    : shown.join('; ')
}
