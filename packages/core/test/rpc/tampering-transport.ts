import type { RawLane, RawLink, Transport } from '@skerry/core/transport'

/** What becomes of a frame that is sent on a lane: another one, or none. */
export type Tamper = (frame: Uint8Array, lane: number) => Uint8Array | undefined

/** A transport that changes what its node sends, as a peer with an error of its own would. */
export function tampering(inner: Transport, tamper: Tamper): Transport {
  const changed = (link: RawLink): RawLink => ({
    peer: link.peer,
    lane: (n) => changedLane(link.lane(n), n),
    close: (reason) => link.close(reason),
    closed: link.closed,
  })
  const changedLane = (lane: RawLane, n: number): RawLane => ({
    send(frame) {
      const sent = tamper(frame, n)
      return sent === undefined || lane.send(sent)
    },
    onDrain: (on) => lane.onDrain(on),
    onFrame: (on) => lane.onFrame(on),
    pause: () => lane.pause(),
    resume: () => lane.resume(),
  })
  return {
    supports: inner.supports,
    start: (host, platform) =>
      inner.start(
        { accepted: (link) => host.accepted(changed(link)), found: (address) => host.found(address) },
        platform,
      ),
    dial: async (address, expect, signal) => changed(await inner.dial(address, expect, signal)),
    stop: () => inner.stop(),
    sign: (bytes) => inner.sign(bytes),
    verify: (author, bytes, signature) => inner.verify(author, bytes, signature),
  }
}
