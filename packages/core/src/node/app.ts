import { SpecError } from '../otp/errors.ts'
import type { SupervisorSpec } from '../otp/child-spec.ts'
import { supervisorBehavior } from '../otp/supervisor.ts'
import type { OfferedProcedure } from '../rpc/procedure.ts'
import { checkAnnounced } from './announced-procedures.ts'

const appVersionCharsMax = 200

/** What a node runs: a supervised tree and the procedures that it offers to other nodes, as plain data. */
export interface AppDefinition extends SupervisorSpec {
  /** Names the app's root supervisor, in logs and `whichChildren`. */
  readonly name: string
  /** Of your code, for people: `nodes()` shows it of every node. At most 200 characters. Default: empty. */
  readonly version?: string
  readonly procedures?: readonly OfferedProcedure[]
}

/**
 * Defines an app. Nothing runs until a node starts it. Throws `ERR_BAD_SPEC` for two children or procedures of one name, and for more
 * procedures than a node can announce: 1,024, or some 500 with names of 90 characters.
 *
 * @example
 * export const shop = defineApp({ name: 'shop', strategy: 'restForOne', children: [child('hits', hits, [0])], procedures: [upcase] })
 * const node = await startNode(shop)
 */
export function defineApp(definition: AppDefinition): AppDefinition {
  if (definition.name === '') throw new SpecError('An app needs a name that is not empty')
  if (definition.name === 'system') throw new SpecError('The name "system" belongs to the node itself')
  if ((definition.version?.length ?? 0) > appVersionCharsMax) {
    throw new SpecError(`The app "${definition.name}": its version has more than ${appVersionCharsMax} characters`)
  }
  const unsaid = checkAnnounced(definition.version ?? '', definition.procedures ?? [])
  if (unsaid !== undefined) throw new SpecError(`The app "${definition.name}": ${unsaid}`)
  const keys = new Set<string>()
  for (const { name, version } of definition.procedures ?? []) {
    const key = `${name}@${version}`
    if (keys.has(key))
      throw new SpecError(`The app "${definition.name}" has two procedures "${name}" of version ${version}`)
    keys.add(key)
  }
  // Checks the children now, where the mistake is, rather than when a node starts.
  supervisorBehavior(definition.name, definition)
  return definition
}
