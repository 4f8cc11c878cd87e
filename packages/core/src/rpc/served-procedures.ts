import type { ProcedureName } from '../actor/remote-verbs.ts'
import { ProcedureLoad, type ServedProcedure } from './inbound-call.ts'
import type { OfferedProcedure } from './procedure.ts'

/** The procedures that a node offers, by name. No name reaches anything else. */
export class ServedProcedures {
  readonly #byName = new Map<string, ServedProcedure[]>()
  /** The last one that was found, by the name of whoever asked: mostly the same is asked for again. */
  #last: { readonly name: string; readonly version: number; readonly served: ServedProcedure } | undefined

  constructor(procedures: readonly OfferedProcedure[]) {
    for (const procedure of procedures) {
      const served = { procedure, load: new ProcedureLoad(procedure.limits) }
      const others = this.#byName.get(procedure.name)
      if (others === undefined) this.#byName.set(procedure.name, [served])
      else others.push(served)
    }
  }

  /** What serves a caller of that version: the same version, or one that lists it as compatible. */
  find({ name, version }: ProcedureName): ServedProcedure | undefined {
    const last = this.#last
    if (last !== undefined && last.name === name && last.version === version) return last.served
    const served = this.#search(name, version)
    if (served !== undefined) this.#last = { name, version, served }
    return served
  }

  #search(name: string, version: number): ServedProcedure | undefined {
    const versions = this.#byName.get(name)
    if (versions === undefined) return undefined
    for (const served of versions) if (served.procedure.version === version) return served
    return versions.find(({ procedure }) => procedure.compatible.includes(version))
  }

  versionsOf(name: string): readonly number[] {
    return (this.#byName.get(name) ?? []).map(({ procedure }) => procedure.version)
  }
}
