import type { RawLane, RawLink, Transport } from '@skerry/core/transport'

/** A transport that can keep what comes for a while. */
export interface HoldingTransport extends Transport {
  /** From here on what comes is kept. */
  hold(): void
  /** Hands on what was kept, in order, and keeps nothing more. */
  release(): void
}

export function holding(inner: Transport): HoldingTransport {
  let isHolding = false
  const held: (() => void)[] = []
  const wrapped = new Map<RawLane, RawLane>()
  const laneOf = (lane: RawLane): RawLane => {
    // Of one lane there is one object.
    const known = wrapped.get(lane)
    if (known !== undefined) return known
    const own: RawLane = {
      send: (frame) => lane.send(frame),
      onDrain: (on) => lane.onDrain(on),
      onFrame: (on) =>
        lane.onFrame((frame) => {
          if (!isHolding) return on(frame)
          const kept = frame.slice()
          held.push(() => void on(kept))
          return undefined
        }),
      pause: () => lane.pause(),
      resume: () => lane.resume(),
    }
    wrapped.set(lane, own)
    return own
  }
  const wrap = (link: RawLink): RawLink => ({
    peer: link.peer,
    ...(link.roles !== undefined && { roles: link.roles }),
    lane: (number) => laneOf(link.lane(number)),
    close: (reason) => link.close(reason),
    closed: link.closed,
  })
  const { publish, subscribe } = inner
  return {
    supports: inner.supports,
    start: (host, platform) =>
      inner.start({ accepted: (link) => host.accepted(wrap(link)), found: (address) => host.found(address) }, platform),
    dial: async (address, expect, signal) => wrap(await inner.dial(address, expect, signal)),
    stop: () => inner.stop(),
    ...(publish !== undefined && { publish: publish.bind(inner) }),
    ...(subscribe !== undefined && { subscribe: subscribe.bind(inner) }),
    sign: (bytes) => inner.sign(bytes),
    verify: (author, bytes, signature) => inner.verify(author, bytes, signature),
    hold() {
      isHolding = true
    },
    release() {
      isHolding = false
      for (const handOn of held.splice(0)) handOn()
    },
  }
}
