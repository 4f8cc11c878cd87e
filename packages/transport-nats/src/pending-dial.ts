import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { TransportError } from '@skerry/core'
import {
  type Answer,
  encodeOpen,
  type LinkEndpoint,
  type LinkKeys,
  linkKeys,
  messageKinds,
  openAnswer,
  openRefuse,
} from './handshake.ts'
import { keyBytes } from './identity.ts'
import type { Signatures } from './signatures.ts'

/** Who we are to a handshake. */
export interface HandshakeSelf {
  readonly id: string
  readonly tag: string
  /** Made from the cluster's secrets. */
  readonly secrets: readonly Uint8Array[]
  readonly signatures: Signatures
}

/** A fresh key for one agreement. */
export interface AgreementKey {
  readonly privateKey: KeyObject
  readonly publicBytes: Uint8Array
}

export function freshAgreementKey(): AgreementKey {
  // The public half is not to be a KeyObject that is exported: in Node 20 `export` locks the key while it allocates, and the
  // garbage collector, at work just then, locks the same key to free what made it. After some thousand keys the thread stood
  // still for ever. Node's types know only both halves encoded.
  const { privateKey, publicKey } = generateKeyPairSync('x25519', {
    publicKeyEncoding: { type: 'spki', format: 'der' },
  } as object) as unknown as { privateKey: KeyObject; publicKey: Buffer }
  return { privateKey, publicBytes: publicKey.subarray(-keyBytes) }
}

/** What a dial came to, when the peer answered. */
export interface Dialled {
  readonly answer: Answer
  readonly keys: LinkKeys
}

const refusalTexts = {
  secret: 'knows none of our cluster secrets',
  version: 'speaks another version of the protocol over NATS',
  busy: 'has too many links that are not open yet',
  identity: 'does not have us among its identities',
} as const

/** A dial that waits for the peer's answer. It is settled once, by whatever comes first. */
export class PendingDial {
  /** What to send to the peer. */
  readonly open: Uint8Array
  readonly #self: HandshakeSelf
  readonly #peer: string
  readonly #key = freshAgreementKey()
  readonly #settle: (outcome: Dialled | TransportError) => void
  #isOver = false

  constructor(
    self: HandshakeSelf,
    {
      peer,
      endpoint,
      settle,
    }: { peer: string; endpoint: LinkEndpoint; settle: (outcome: Dialled | TransportError) => void },
  ) {
    this.#self = self
    this.#peer = peer
    this.#settle = settle
    const { id: from, tag, secrets, signatures } = self
    this.open = encodeOpen(
      { from, endpoint, agreementKey: this.#key.publicBytes },
      { to: peer, tag, secrets, signatures },
    )
  }

  /** What came to the place that the open named. `false`: it was no answer of the peer's, and changes nothing. */
  message(bytes: Uint8Array): boolean {
    const { secrets, signatures } = this.#self
    const said = { from: this.#peer, open: this.open, secrets, signatures }
    if (bytes[0] === messageKinds.refuse) {
      const refusal = openRefuse(bytes, said)
      if (refusal === undefined) return false
      const code = refusal === 'busy' ? 'ERR_DIAL_FAILED' : 'ERR_PEER_REFUSED'
      this.#end(new TransportError(code, `${this.#peer} ${refusalTexts[refusal]}`))
      return true
    }
    const answer = bytes[0] === messageKinds.answer ? openAnswer(bytes, said) : undefined
    if (answer === undefined) return false
    const secret = secrets[answer.secret] as Uint8Array
    const keys = linkKeys({
      ours: this.#key.privateKey,
      theirs: answer.agreementKey,
      secret,
      open: this.open,
      answer: bytes,
    })
    if (keys === undefined) this.fail(`${this.#peer} answered with a key that agrees on nothing`)
    else this.#end({ answer, keys })
    return true
  }

  fail(problem: string, cause?: unknown): void {
    this.#end(new TransportError('ERR_DIAL_FAILED', problem, cause === undefined ? {} : { cause }))
  }

  stop(error: TransportError): void {
    this.#end(error)
  }

  #end(outcome: Dialled | TransportError): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#settle(outcome)
  }
}
