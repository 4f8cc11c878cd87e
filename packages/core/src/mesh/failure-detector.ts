import { type Accusation, versionsAheadMax } from './accusation.ts'
import { doubt, type LocalHealth, mayAccuse, nextHealth, wellHealth } from './local-health.ts'
import { MonitorTable, monitorsWanted } from './monitors.ts'
import { accusedBy, countedNow, heldUp, isAvoided, type Suspicion, suspicionMs } from './suspicion.ts'
import type { NodeId } from './transport.ts'

export interface DetectorSettings {
  /** How long a link that was lost may be away before its node is accused, in milliseconds: it is dialled again meanwhile. */
  readonly lostMs: number
  /** How long a node that we watch may have no link since we came to know it. */
  readonly firstLinkMs: number
  /** The same of one that was believed dead, or is accused by others, whose word does not count. */
  readonly askedMs: number
  /** Accusations of ours at once, and how many a second after that: further ones wait. */
  readonly accusationsAtOnce: number
  readonly accusationsPerSecond: number
  /** Whether this node doubts itself. For benches only: see docs/membership.md. */
  readonly localHealth: boolean
}

const defaultDetectorSettings: DetectorSettings = {
  lostMs: 500,
  firstLinkMs: 6_000,
  askedMs: 2_500,
  accusationsAtOnce: 4,
  accusationsPerSecond: 4,
  localHealth: true,
}

/** What we have of a node ourselves: `heard`, or since when not, and how long that is allowed. */
type Contact =
  | { readonly state: 'heard' }
  | { readonly state: 'silent' | 'unlinked'; readonly since: number; readonly graceMs: number }

/** What one tick decided. */
export interface DetectorVerdicts {
  /** To seal, and to spread. They are noted here already. */
  readonly accuse: readonly Accusation[]
  /** Believed dead from now on, with the accusations that say so. */
  readonly dead: readonly { readonly node: NodeId; readonly suspicion: Suspicion }[]
  /**
   * Sealed accusations of ours that count no more, since others are nearer to their subjects by now: to spread a last time. Whoever
   * watches it now looks at once, and the subject, if it is there, refutes it where it still counts.
   */
  readonly lastWords: readonly Uint8Array[]
}

const heardContact: Contact = { state: 'heard' }
const noSeal = new Uint8Array(0)

/**
 * Who is believed to be alive, by what this node's own links show and what the monitors of a node say. No I/O and no clock:
 * its owner tells it what happened, and calls `tick` a few times a second while `isBusy`, else about once a second.
 */
export class FailureDetector {
  readonly table: MonitorTable
  readonly #self: NodeId
  readonly #settings: DetectorSettings
  readonly #versions = new Map<NodeId, { readonly life: number; readonly version: number }>()
  readonly #contacts = new Map<NodeId, Contact>()
  readonly #suspicions = new Map<NodeId, Suspicion>()
  /** Whom we accused and who refuted it, although we still hear nothing of it: others do. */
  readonly #refuted = new Map<NodeId, { readonly times: number; readonly at: number }>()
  /** Up to which version of whose record an accusation was relayed that does not count here, and when. */
  readonly #passed = new Map<NodeId, { readonly version: number; readonly at: number }>()
  /** Members that were believed dead before, and since when they are back. */
  readonly #cameBack = new Map<NodeId, number>()
  #subjects: readonly NodeId[] | undefined
  /** Whether nodes came or went since the accusers were counted. */
  #isTableNew = false
  #health: LocalHealth = wellHealth
  #budget: number
  #tickedAt: number | undefined

  constructor(self: NodeId, settings: Partial<DetectorSettings> = {}) {
    this.#self = self
    this.#settings = { ...defaultDetectorSettings, ...settings }
    this.table = new MonitorTable([self])
    this.#budget = this.#settings.accusationsAtOnce
  }

  get health(): LocalHealth {
    return this.#health
  }

  /** Whether somebody is suspected, or one that we watch says nothing. */
  get isBusy(): boolean {
    if (this.#suspicions.size > 0 || this.#health.score > 0) return true
    return this.#watched().some((node) => this.#contacts.get(node) !== heardContact)
  }

  /** A record of it is believed. `true`: that refuted a suspicion. */
  known(node: NodeId, life: number, version: number, now: number): boolean {
    this.#versions.set(node, { life, version })
    if (!this.table.has(node)) {
      this.table.add(node)
      this.#tableChanged()
    }
    const suspicion = this.#suspicions.get(node)
    if (suspicion === undefined || (suspicion.life === life && suspicion.version >= version)) return false
    this.#suspicions.delete(node)
    if (suspicion.accusers.has(this.#self) && suspicion.life === life) {
      this.#refuted.set(node, { times: (this.#refuted.get(node)?.times ?? 0) + 1, at: now })
    }
    // That several monitors were wrong at once is more than the trouble of one link.
    if (suspicion.life === life && isAvoided(suspicion.accusers.size, this.#monitorsOfEach())) this.#holdUp(now)
    return true
  }

  /** One that was believed dead is there, in the same life: maybe a cut has healed, and others that are suspected come back too. */
  cameBack(node: NodeId, now: number): void {
    this.#cameBack.set(node, now)
    this.#holdUp(now)
  }

  /** It is no member any more. */
  gone(node: NodeId): void {
    this.#versions.delete(node)
    this.#suspicions.delete(node)
    this.#contacts.delete(node)
    this.#refuted.delete(node)
    this.#cameBack.delete(node)
    if (!this.table.has(node)) return
    this.table.remove(node)
    this.#tableChanged()
  }

  /** Its link is up, or says something again after a silence. */
  heard(node: NodeId): void {
    this.#refuted.delete(node)
    this.#contacts.set(node, heardContact)
  }

  /** Its link is up and was silent for too long. */
  silent(node: NodeId, now: number): void {
    this.#contacts.set(node, { state: 'silent', since: now, graceMs: 0 })
  }

  /** Its link is gone. `left`: it had said that it leaves. */
  unlinked(node: NodeId, now: number, left: boolean): void {
    // Of one that we need not watch it says nothing: when we come to watch it, it has the time to link to us.
    if (!this.#watched().includes(node)) this.#contacts.delete(node)
    else this.#contacts.set(node, { state: 'unlinked', since: now, graceMs: left ? 0 : this.#settings.lostMs })
  }

  /** Whether its link is up and says something. */
  isHeard(node: NodeId): boolean {
    return this.#contacts.get(node) === heardContact
  }

  suspected(): Iterable<NodeId> {
    return this.#suspicions.keys()
  }

  suspicion(node: NodeId): Suspicion | undefined {
    return this.#suspicions.get(node)
  }

  /** Whether the word of its monitors is enough to route around it. */
  isAvoided(node: NodeId): boolean {
    const suspicion = this.#suspicions.get(node)
    return suspicion !== undefined && isAvoided(suspicion.accusers.size, this.#monitorsOfEach())
  }

  /**
   * What an accusation of another node is worth. `counts`: it is about a member as we know it, by one of its monitors.
   * `passes`: by somebody else, perhaps a monitor in a view of the other side of a cut; it is only relayed, every two
   * seconds at most, so that the subject hears of it and refutes it. `refuted`: a newer record is known. `old`: heard before, too far ahead, or about
   * nobody.
   */
  worth({ subject, life, version, accuser }: Accusation, now: number): 'counts' | 'passes' | 'refuted' | 'old' {
    const known = this.#versions.get(subject)
    if (known !== undefined && known.version > version) return 'refuted'
    if (known === undefined || known.life !== life || version > known.version + versionsAheadMax) return 'old'
    const suspicion = this.#suspicions.get(subject)
    if (suspicion !== undefined && (suspicion.version > version || suspicion.accusers.has(accuser))) return 'old'
    if (this.table.counts(accuser, subject)) return 'counts'
    const passed = this.#passed.get(subject)
    const isDue = passed === undefined || passed.version < version || now - passed.at >= passAgainMs
    return suspicion === undefined && isDue ? 'passes' : 'old'
  }

  /** Notes that one which `passes` was relayed. */
  passed({ subject, version }: Accusation, now: number): void {
    this.#ask(subject, now)
    this.#passed.delete(subject)
    this.#passed.set(subject, { version, at: now })
    if (this.#passed.size > passedMax) this.#passed.delete(this.#passed.keys().next().value as NodeId)
  }

  /** Takes one that counts, and was signed by its accuser. */
  accused(accusation: Accusation, sealed: Uint8Array, now: number): void {
    const { subject } = accusation
    this.#suspicions.set(subject, accusedBy(this.#suspicions.get(subject), { ...accusation, sealed }, now))
  }

  /** Puts in the sealed form of an accusation that `tick` made. */
  sealed(accusation: Accusation, sealed: Uint8Array): void {
    const suspicion = this.#suspicions.get(accusation.subject)
    if (suspicion === undefined || !suspicion.accusers.has(this.#self)) return
    const accusers = new Map(suspicion.accusers).set(this.#self, sealed)
    this.#suspicions.set(accusation.subject, { ...suspicion, accusers })
  }

  /**
   * `pausedMs`: for how long this node did not run although a tick was due. `lagMs`: how old what it reads is; what would refute a
   * suspicion may lie unread for so long.
   */
  tick(now: number, pausedMs: number, lagMs = 0): DetectorVerdicts {
    const { localHealth } = this.#settings
    const subjects = this.#watched()
    for (const node of subjects) if (!this.#contacts.has(node)) this.#await(node, now)
    const lastWords = this.#recount(now)
    const silent = subjects.filter((node) => this.#isSilent(node, now))
    if (localHealth) {
      this.#health = nextHealth(this.#health, {
        now,
        pausedMs,
        lagMs,
        silent: silent.length,
        subjects: subjects.length,
      })
      if (pausedMs > 0) this.#moveOn(pausedMs)
    }
    this.#refill(now)
    if (!mayAccuse(this.#health, now)) return { accuse: [], dead: [], lastWords }
    const seenAt = localHealth ? now - lagMs : now
    return { accuse: this.#accuse(silent, now, seenAt), dead: this.#bury(seenAt), lastWords }
  }

  #accuse(silent: readonly NodeId[], now: number, seenAt: number): Accusation[] {
    const made: Accusation[] = []
    for (const subject of silent) {
      if (this.#budget < 1) break
      const known = this.#versions.get(subject)
      const contact = this.#contacts.get(subject)
      if (known === undefined || contact === undefined || contact.state === 'heard') continue
      const suspicion = this.#suspicions.get(subject)
      if (suspicion !== undefined && suspicion.version >= known.version && suspicion.accusers.has(this.#self)) continue
      const doubtMs = (doubt(this.#health) - 1) * doubtStepMs
      if (seenAt - contact.since < contact.graceMs + doubtMs || now < this.#mutedUntil(subject)) continue
      const accusation = { subject, ...known, accuser: this.#self }
      this.accused(accusation, noSeal, now)
      this.#budget -= 1
      made.push(accusation)
    }
    return made
  }

  /**
   * A word counts only from a monitor, and only as long as it is one: who accused a node while the others were behind a cut is
   * none any more when they are back. What it said is not waited out, but looked into by those who are.
   */
  #recount(now: number): Uint8Array[] {
    const lastWords: Uint8Array[] = []
    if (!this.#isTableNew) return lastWords
    this.#isTableNew = false
    for (const [node, suspicion] of this.#suspicions) {
      const counted = countedNow(suspicion, (accuser) => this.table.counts(accuser, node))
      if (counted === suspicion) continue
      const own = suspicion.accusers.get(this.#self)
      if (own !== undefined && own !== noSeal && counted?.accusers.has(this.#self) !== true) lastWords.push(own)
      if (counted !== undefined) this.#suspicions.set(node, counted)
      else {
        this.#suspicions.delete(node)
        this.#ask(node, now)
      }
    }
    return lastWords
  }

  /** What we say against others, to be said again as long as it is not refuted: it may have been lost on its way. */
  ownAccusations(): Uint8Array[] {
    const own: Uint8Array[] = []
    for (const { accusers } of this.#suspicions.values()) {
      const sealed = accusers.get(this.#self)
      if (sealed !== undefined && sealed !== noSeal) own.push(sealed)
    }
    return own
  }

  /** What a peer is told that was not there: all that is said against itself, since it alone can refute it, and one word against each other node. */
  *toTell(peer: NodeId): Iterable<Uint8Array> {
    yield* this.#suspicions.get(peer)?.accusers.values() ?? []
    for (const [node, { accusers }] of this.#suspicions) {
      if (node !== peer) yield* [...accusers.values()].slice(0, 1)
    }
  }

  #bury(seenAt: number): DetectorVerdicts['dead'] {
    const dead: { node: NodeId; suspicion: Suspicion }[] = []
    const doubtful = doubt(this.#health)
    for (const [node, suspicion] of this.#suspicions) {
      // What we hear ourselves is worth more than what others say; it will refute them.
      if (this.#contacts.get(node) === heardContact) continue
      if (seenAt < (suspicion.heldUntil ?? -Infinity)) continue
      const lastsMs = suspicionMs(suspicion.accusers.size, this.table.size, this.#monitorsOfEach(), doubtful)
      if (seenAt - suspicion.since >= lastsMs) dead.push({ node, suspicion })
    }
    return dead
  }

  /** The trouble is between the two of us. Said again it would only be refuted again, at the cost of everybody. */
  #mutedUntil(node: NodeId): number {
    const refuted = this.#refuted.get(node)
    return refuted === undefined ? -Infinity : refuted.at + Math.min(mutedMostMs, mutedMs * 2 ** (refuted.times - 1))
  }

  #holdUp(now: number): void {
    for (const [node, suspicion] of this.#suspicions) {
      this.#suspicions.set(node, heldUp(suspicion, this.table.size, now))
    }
  }

  #tableChanged(): void {
    this.#subjects = undefined
    this.#isTableNew = true
  }

  #watched(): readonly NodeId[] {
    this.#subjects ??= this.table.subjectsOf(this.#self)
    return this.#subjects
  }

  #isSilent(node: NodeId, now: number): boolean {
    const contact = this.#contacts.get(node)
    return contact !== undefined && contact.state !== 'heard' && now - contact.since >= contact.graceMs
  }

  #await(node: NodeId, now: number): void {
    const { askedMs, firstLinkMs } = this.#settings
    const asked = this.#passed.get(node)
    const isAsked = asked !== undefined && asked.version >= (this.#versions.get(node)?.version ?? 0)
    // Its former monitors may have stopped watching it by now, and so would not tell that it is gone again.
    const isBack = now - (this.#cameBack.get(node) ?? -Infinity) < firstLinkMs
    this.#contacts.set(node, { state: 'unlinked', since: now, graceMs: isAsked || isBack ? askedMs : firstLinkMs })
  }

  /** Somebody whose word does not count says that it is dead. If ours does, and we have no link to it yet, we wait no longer than that. */
  #ask(node: NodeId, now: number): void {
    const contact = this.#contacts.get(node)
    if (contact?.state !== 'unlinked') return
    const graceMs = Math.min(contact.graceMs, now - contact.since + this.#settings.askedMs)
    this.#contacts.set(node, { ...contact, graceMs })
  }

  /** Time in which we did not run counts against nobody. */
  #moveOn(pausedMs: number): void {
    for (const [node, suspicion] of this.#suspicions) {
      const heldUntil = suspicion.heldUntil === undefined ? undefined : suspicion.heldUntil + pausedMs
      this.#suspicions.set(node, { ...suspicion, since: suspicion.since + pausedMs, heldUntil })
    }
    for (const [node, contact] of this.#contacts) {
      if (contact.state !== 'heard') this.#contacts.set(node, { ...contact, since: contact.since + pausedMs })
    }
  }

  #refill(now: number): void {
    const { accusationsAtOnce, accusationsPerSecond } = this.#settings
    const passedMs = now - (this.#tickedAt ?? now)
    this.#tickedAt = now
    this.#budget = Math.min(accusationsAtOnce, this.#budget + (passedMs * accusationsPerSecond) / 1_000)
  }

  #monitorsOfEach(): number {
    return Math.min(monitorsWanted, this.table.size - 1)
  }
}

/** What was relayed without being counted is relayed again no sooner, in milliseconds. */
const passAgainMs = 2_000

/** The oldest is forgotten beyond it, and may be relayed once more. */
const passedMax = 4_096

/** How long a refuted accuser waits before it accuses again, doubled each time, in milliseconds. */
const mutedMs = 2_000
const mutedMostMs = 60_000

/** What one point of doubt adds to the time before an accusation, in milliseconds. */
const doubtStepMs = 1_000
