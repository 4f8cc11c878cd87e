import type { CounterName } from './node-totals.ts'

/** What each counter of a node counts, for those who read it elsewhere. */
export const counterTexts: Readonly<Record<CounterName, string>> = {
  deadLetters: 'Messages and casts to an actor that does not exist any more',
  mailboxDrops: 'Messages and casts to a full mailbox',
  mailboxRefusals: 'Calls refused by a full mailbox',
  afterExit: 'Verbs used by an actor after its end',
  errorsAfterExit: 'Errors thrown by a handler that resumed after its actor ended',
  lateReplies: 'Answers that came after the call was over, and items of a stream that nobody reads any more',
  refusedSignals: 'Signals from another node to an actor that takes none',
  streamBreaches:
    'Streams that were ended because items came that nobody had asked for, one was missing, or more credit came than a window has',
  overloads: 'Calls by region that were refused or given back because of too much work',
  notAllowed: 'Calls by region whose procedure does not allow their caller',
  replays: 'Calls with an idempotency key that were given the outcome of an earlier call with that key.',
  recordsIgnored: 'Records of nodes, and accusations, that were not believed, or for which there was no room',
  linksRefused: 'Links that peers opened and that were refused: another cluster or version, or too many',
  meshDrops: 'Messages to the mesh that were not read or not answered: their peer told or asked too much',
  signatureChecks: 'Signatures of records and accusations from peers that were checked',
  undecodable: 'Bodies from elsewhere that could not be decoded',
  transportDrops: 'Messages that the transport dropped: forged, repeated, malformed, too many or too large',
  transportLosses: 'Messages that were lost on the way between nodes, as far as the transport knows',
  castsNotRun: 'Casts by region that were not run',
  unsent: 'Messages to another thread or node that could not be sent',
  crashes: 'Actors that ended by an error of their own',
  restarts: 'Restarts by supervisors',
  stuckThreads: 'Pool threads that were replaced because an actor blocked them',
}

/** `deadLetters` as `dead_letters`. */
export function snakeCase(name: CounterName): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}
