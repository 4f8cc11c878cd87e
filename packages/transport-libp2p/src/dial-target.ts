import { peerIdFromString } from '@libp2p/peer-id'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import { TransportError } from '@skerry/core'

/**
 * The address to dial, as text, with the expected peer in it where one is known. Throws `ERR_DIAL_FAILED` for what is not an
 * address and `ERR_WRONG_PEER` when address and expectation contradict each other, `ERR_OWN_ADDRESS` when the node would dial itself.
 */
export function dialTarget(address: string, expect: string | undefined, self: string): string {
  const target = parsedAddress(address).toString()
  const named = peerIn(target)
  if (expect !== undefined && !isPeerId(expect)) {
    throw new TransportError('ERR_WRONG_PEER', `No node can be expected by the name ${expect}: it is not a peer id`)
  }
  if (named !== undefined && expect !== undefined && named !== expect) {
    throw new TransportError('ERR_WRONG_PEER', `Expected ${expect}, but the address is one of ${named}`)
  }
  if ((named ?? expect) === self) throw new TransportError('ERR_OWN_ADDRESS', 'The address is our own')
  return named === undefined && expect !== undefined ? `${target}/p2p/${expect}` : target
}

/** The peer that an address is of, if it says so: the last one that it names, where it leads over others. */
export function peerIn(address: string): string | undefined {
  return /^.*\/p2p\/([^/]+)/.exec(address)?.[1]
}

function parsedAddress(address: string): Multiaddr {
  try {
    return multiaddr(address)
  } catch (cause) {
    throw new TransportError('ERR_DIAL_FAILED', `Not a multiaddr: ${address}`, { cause })
  }
}

function isPeerId(id: string): boolean {
  try {
    return peerIdFromString(id).toString() === id
  } catch {
    // Whatever is wrong with it, it names no node.
    return false
  }
}
