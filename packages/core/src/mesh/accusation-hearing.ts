import type { Accusation } from './accusation.ts'
import {
  type AccusationGrounds,
  type DroppedAccusation,
  judgeAccusation,
  type OwnAccusation,
  toRefute,
} from './accusation-verdict.ts'
import type { NodeId } from './transport.ts'

/** What accusations are judged by, and where those are noted at once by which the next of the same message are judged. */
export interface HearingGrounds extends AccusationGrounds {
  /** As {@link FailureDetector.accused}. */
  readonly accused: (claim: Accusation, sealed: Uint8Array) => void
  /** As {@link FailureDetector.passed}. */
  readonly passed: (claim: Accusation) => void
}

/** What is to be done after the accusations of one message. */
export interface Hearing {
  /** Somebody is suspected by one accuser more. */
  readonly isSuspicionNew: boolean
  /** Sealed, in the order in which they came: to hand on to all but the peer that said them. */
  readonly handOn: readonly Uint8Array[]
  /** Subjects whose newer records the peer has missed: to send it, each once. */
  readonly answer: ReadonlySet<NodeId>
  /** The one of ourselves whose refutation refutes all others of the message too. */
  readonly refute: Accusation | undefined
  /** To count, and to say why. */
  readonly dropped: readonly DroppedAccusation[]
}

/**
 * Hears the accusations of one message: who may accuse, and what counts, `judgeAccusation` and the grounds say. Takes as many as it is given; their number is
 * bounded by who gives them.
 */
export function hearAccusations(accusations: Iterable<Uint8Array>, grounds: HearingGrounds): Hearing {
  let isSuspicionNew = false
  const handOn: Uint8Array[] = []
  const answer = new Set<NodeId>()
  const ofUs: OwnAccusation[] = []
  const dropped: DroppedAccusation[] = []
  for (const sealed of accusations) {
    const judged = judgeAccusation(sealed, grounds)
    switch (judged.verdict) {
      case 'ofUs':
        ofUs.push({ claim: judged.claim, sealed })
        break
      case 'answer':
        answer.add(judged.claim.subject)
        break
      case 'passes':
        grounds.passed(judged.claim)
        handOn.push(sealed)
        break
      case 'counts':
        isSuspicionNew = true
        grounds.accused(judged.claim, sealed)
        handOn.push(sealed)
        break
      case 'malformed':
      case 'not-authentic':
      case 'too-often':
        dropped.push(judged)
        break
      case 'nothing':
    }
  }
  const own = toRefute(ofUs, grounds)
  return { isSuspicionNew, handOn, answer, refute: own.refute, dropped: [...dropped, ...own.dropped] }
}
