import { createHmac } from 'node:crypto'

/** What Noise needs to know of one secret. */
export interface SecretNoise {
  /** The protocol id under which it is negotiated. */
  readonly protocol: string
  readonly prologueBytes: Uint8Array
}

/**
 * Noise, once for each secret, in the order given. The secret is mixed into the handshake as Noise's prologue: without it
 * the other side can't finish, in either direction, so nobody sends an application byte to a stranger. Each runs under a
 * protocol id made of a digest of its secret, so that two nodes that accept several find the one they share.
 *
 * Both values are HMAC-SHA256 of the secret with different labels: the id that is visible on the wire says nothing about
 * the prologue, provided that the secret can't be guessed.
 */
export function secretNoises(cluster: string, secrets: readonly string[]): readonly SecretNoise[] {
  // Without a secret the key is empty and the cluster's name decides alone. It keeps clusters apart, not attackers out.
  return (secrets.length > 0 ? secrets : ['']).map((secret) => ({
    protocol: `/noise/${derived(secret, 'key id', cluster).toString('hex', 0, 16)}`,
    prologueBytes: derived(secret, 'prologue', cluster),
  }))
}

function derived(secret: string, purpose: string, cluster: string): Buffer {
  return createHmac('sha256', secret).update(`skerry libp2p ${purpose}\0${cluster}`).digest()
}
