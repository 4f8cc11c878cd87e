import type { RawLink, Transport } from '@skerry/core/transport'

/** A transport whose connections a test can break, and which then may connect again. */
export interface CuttableTransport extends Transport {
  /** Breaks every connection that is up. */
  cut(): void
}

export function cuttable(inner: Transport): CuttableTransport {
  const links = new Set<RawLink>()
  const note = (link: RawLink): RawLink => {
    links.add(link)
    void link.closed.then(() => links.delete(link))
    return link
  }
  const { publish, subscribe } = inner
  return {
    supports: inner.supports,
    start: (host, platform) =>
      inner.start({ accepted: (link) => host.accepted(note(link)), found: (address) => host.found(address) }, platform),
    dial: async (address, expect, signal) => note(await inner.dial(address, expect, signal)),
    stop: () => inner.stop(),
    ...(publish !== undefined && { publish: publish.bind(inner) }),
    ...(subscribe !== undefined && { subscribe: subscribe.bind(inner) }),
    sign: (bytes) => inner.sign(bytes),
    verify: (author, bytes, signature) => inner.verify(author, bytes, signature),
    cut() {
      for (const link of [...links]) link.close('cut by the test')
    },
  }
}
