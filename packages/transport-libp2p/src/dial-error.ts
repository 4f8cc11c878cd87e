import { TransportError } from '@skerry/core'

/** What a caller can act on, out of what libp2p threw. */
export function dialError(thrown: unknown, address: string): TransportError {
  const causes = allCauses(thrown)
  const ours = causes.find((cause) => cause instanceof TransportError)
  if (ours !== undefined) return ours
  if (causes.some(isSecretRefused)) {
    return new TransportError('ERR_PEER_REFUSED', `${address} knows none of our cluster secrets`, { cause: thrown })
  }
  if (causes.some(isSelf)) return new TransportError('ERR_OWN_ADDRESS', 'The address is our own', { cause: thrown })
  const message = thrown instanceof Error ? thrown.message : String(thrown)
  return new TransportError('ERR_DIAL_FAILED', `Dialling ${address} failed: ${message}`, { cause: thrown })
}

/** A name with several addresses fails with an AggregateError. */
function allCauses(thrown: unknown): readonly Error[] {
  if (thrown instanceof AggregateError) return [thrown, ...thrown.errors.flatMap(allCauses)]
  return thrown instanceof Error ? [thrown] : []
}

/** The peer answered every encrypter that we offered with "not available". Both lines of libp2p keep only the message of that error. */
function isSecretRefused(error: Error): boolean {
  return error.name === 'EncryptionFailedError' && /^protocol selection failed/i.test(error.message)
}

function isSelf(error: Error): boolean {
  return error.name === 'InvalidPeerIdError' && error.message === 'Can not dial self'
}
