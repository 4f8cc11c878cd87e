import { type NodeRecord, openRecord, sealRecord } from '../../packages/core/dist/mesh/node-record.js'
import type { MeshReading, SealedList } from '../../packages/core/dist/mesh/mesh-message.js'
import { type Heard, PeerIntake, type PeerIntakeOptions } from '../../packages/core/dist/mesh/peer-intake.js'

/** Of everybody: all is taken for genuine. */
export const signature: Uint8Array = Uint8Array.of(1)

/**
 * What is the same in all nodes is there once: a thousand nodes would otherwise keep and decode a million records, which in a real mesh
 * each has to itself. No node changes one.
 */
export class SharedBytes {
  readonly #known = new Map<string, Uint8Array>()
  readonly #records = new WeakMap<Uint8Array, NodeRecord>()

  sealedOf(record: NodeRecord): Uint8Array {
    const sealed = this.one(sealRecord(record, { sign: () => signature }))
    this.#records.set(sealed, record)
    return sealed
  }

  recordOf(sealed: Uint8Array): NodeRecord | undefined {
    const known = this.#records.get(sealed)
    if (known !== undefined) return known
    const record = openRecord(sealed, { verify: () => true })
    if (record !== undefined) this.#records.set(sealed, record)
    return record
  }

  one(sealed: Uint8Array): Uint8Array {
    const key = Buffer.from(sealed.buffer, sealed.byteOffset, sealed.byteLength).toString('latin1')
    const known = this.#known.get(key)
    if (known === undefined) this.#known.set(key, sealed)
    return known ?? sealed
  }
}

/** Gives of what peers told what all nodes share. */
export class SharedIntake extends PeerIntake {
  readonly #shared: SharedBytes
  readonly #lists = new WeakMap<SealedList, MeshReading>()

  constructor(options: PeerIntakeOptions, shared: SharedBytes) {
    super(options)
    this.#shared = shared
  }

  override next(): Heard | undefined {
    const heard = super.next()
    if (heard?.message === undefined || heard.message.kind === 'digest') return heard
    const { kind, sealed } = heard.message
    const known = this.#lists.get(sealed)
    const message = known ?? { kind, sealed: sharedList(sealed, this.#shared) }
    if (known === undefined) this.#lists.set(sealed, message)
    return { via: heard.via, message }
  }
}

function sharedList(list: SealedList, shared: SharedBytes): SealedList {
  const sharing: Pick<SealedList, 'left' | 'next' | 'drop'> = {
    get left() {
      return list.left
    },
    next: () => {
      const sealed = list.next()
      return sealed === undefined ? undefined : shared.one(sealed)
    },
    drop: () => list.drop(),
  }
  return sharing as SealedList
}
