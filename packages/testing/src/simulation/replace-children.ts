import { type AppDefinition, type Behavior, type ChildSpec, supervisor } from '@skerry/core'
import { TestingError } from '../platform/errors.ts'

/**
 * The same app with other behaviors for the children of these ids, at any depth; arguments, names and restart rules stay.
 * Throws `ERR_NO_SUCH_CHILD` for an id that the app does not have.
 */
export function replaceChildren(app: AppDefinition, replacements: Readonly<Record<string, Behavior>>): AppDefinition {
  const used = new Set<string>()
  const replaced = { ...app, children: app.children.map((spec) => replaceIn(spec, replacements, used)) }
  const missing = Object.keys(replacements).filter((id) => !used.has(id))
  if (missing.length > 0) {
    throw new TestingError('ERR_NO_SUCH_CHILD', `The app "${app.name}" has no child ${missing.join(', ')} to replace`)
  }
  return replaced
}

function replaceIn(spec: ChildSpec, replacements: Readonly<Record<string, Behavior>>, used: Set<string>): ChildSpec {
  const behavior = Object.hasOwn(replacements, spec.id) ? replacements[spec.id] : undefined
  if (behavior !== undefined) {
    used.add(spec.id)
    return { ...spec, behavior }
  }
  if (spec.supervises === undefined) return spec
  const children = spec.supervises.children.map((inner) => replaceIn(inner, replacements, used))
  const { behavior: supervising } = supervisor(spec.id, { ...spec.supervises, children })
  return { ...spec, behavior: supervising, supervises: { ...spec.supervises, children } }
}
