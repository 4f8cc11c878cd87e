import { seededRandom, type Trace, type TraceEvent, type TraceKind } from '@skerry/testing'

/**
 * A made-up run of a shop: clients call the database of the primary region, regions are a light's way apart, syd is cut
 * off for a while, fra-1 crashes and boots again, datagrams are lost. The same for the same arguments.
 */
export function sampleTrace({ regions = { syd: 2, lax: 2, fra: 1 }, calls = 90, seed = 7 } = {}): Trace {
  const random = seededRandom(seed)
  const nodes = Object.entries(regions).flatMap(([region, count]) =>
    Array.from({ length: count }, (_, index) => ({
      name: `${region}-${index + 1}`,
      region,
    })),
  )
  const due: Due[] = []
  const events: TraceEvent[] = []
  const [endUs, cutUs, healUs, crashUs, bootUs] = [12_000_000, 4_000_000, 7_000_000, 5_000_000, 8_500_000]
  const victim = nodes.at(-1)?.name ?? ''
  const isDown = (name: string, t: number): boolean => name === victim && t > crashUs && t < bootUs
  const regionOf = (name: string): string => name.slice(0, name.indexOf('-'))
  const isCut = (from: string, to: string, t: number): boolean =>
    t > cutUs && t < healUs && (regionOf(from) === 'syd') !== (regionOf(to) === 'syd')
  const note = (t: number, node: string, kind: TraceKind, cause: number, rest: Partial<TraceEvent> = {}): number => {
    events.push({ i: events.length, t, node, kind, cause, ...rest })
    return events.length - 1
  }
  const at = (t: number, run: (t: number) => void): void => {
    due.push({ t: Math.round(t), order: due.length, run })
  }
  const send = (t: number, from: string, to: string, msg: string, cause: number, then: Then): void => {
    const sent = note(t, from, 'send', cause, { peer: to, msg })
    const far = regionOf(from) === regionOf(to) ? 600 : 70_000 + 20_000 * ((from.length + to.charCodeAt(0)) % 3)
    if (isCut(from, to, t)) return void note(t, from, 'drop', sent, { peer: to, msg: 'cut' })
    if (random.float() < 0.02) return void note(t, from, 'drop', sent, { peer: to, msg: 'lost' })
    at(t + far + random.int(9_000), (arrived) => {
      if (!isDown(to, arrived)) then(note(arrived, to, 'recv', sent, { peer: from, msg }), arrived)
    })
  }

  for (const { name } of nodes) {
    at(random.int(300_000), (t) => {
      const boot = note(t, name, 'boot', -1, { msg: 'life 1' })
      note(t, name, 'spawn', boot, { msg: 'supervisor shop' })
      note(t, name, 'spawn', boot, { msg: 'db' })
    })
  }
  at(cutUs, (t) => {
    const fault = note(t, '', 'fault', -1, {
      msg: 'partition {syd}|{rest} 4.000s..7.000s',
      until: healUs,
    })
    at(healUs, (later) => void note(later, '', 'heal', fault, { msg: 'partition' }))
  })
  at(crashUs, (t) => {
    const fault = note(t, '', 'fault', -1, {
      msg: `crash ${victim} silently 5.000s..8.500s`,
      until: bootUs,
    })
    note(t, victim, 'crash', fault, { msg: 'silently' })
    at(bootUs, (later) => {
      const heal = note(later, '', 'heal', fault, { msg: 'crash' })
      const boot = note(later, victim, 'boot', heal, { msg: 'life 2' })
      note(later, victim, 'spawn', boot, { msg: 'supervisor shop' })
    })
  })
  at(5_400_000, (t) => {
    const fault = note(t, '', 'fault', -1, {
      msg: 'slow lax-1 800 us a turn 5.400s..6.400s',
      until: 6_400_000,
    })
    at(6_400_000, (later) => void note(later, '', 'heal', fault, { msg: 'slow' }))
  })

  const primary = nodes[0]?.name ?? ''
  for (let call = 1; call <= calls; call += 1) {
    const home = nodes[random.int(nodes.length)]?.name ?? primary
    at(600_000 + random.int(endUs - 1_200_000), (t) => {
      if (isDown(home, t)) return
      const input = `{"item":"tea","count":${1 + random.int(9)}}`
      const op = note(t, '', 'op', -1, {
        peer: home,
        msg: `c${call % 8} orders.create ${input}`,
      })
      const turn = note(t, home, 'turn', op, { msg: `orders.create #${call}` })
      const insert = (cause: number, now: number, from: string): void => {
        const work = note(now, primary, 'turn', cause, {
          msg: `call db.insert #${call}`,
        })
        if (from === primary)
          return void note(now, '', 'op', op, {
            peer: home,
            msg: `c${call % 8} orders.create ok ${call}`,
          })
        send(now + 180, primary, from, `reply ${call}`, work, (reply, back) => {
          const done = note(back, from, 'turn', reply, {
            msg: `reply ${call}`,
          })
          note(back, '', 'op', done, {
            peer: home,
            msg: `c${call % 8} orders.create ok ${call}`,
          })
        })
      }
      if (home === primary) insert(turn, t, home)
      else send(t + 40, home, primary, `call db.insert #${call}`, turn, (recv, now) => insert(recv, now, home))
      at(t + 1_500_000, (later) => {
        if (isDown(home, later)) return
        const timer = note(later, home, 'timer', turn, {
          msg: `deadline of #${call}`,
        })
        if (isCut(home, primary, later))
          note(later, home, 'exit', timer, {
            msg: `orders.create #${call}: ERR_RPC_DEADLINE`,
          })
      })
    })
  }
  for (const { name } of nodes) {
    for (let beat = 500_000 + random.int(400_000); beat < endUs; beat += 1_000_000) {
      const peer = nodes[random.int(nodes.length)]?.name ?? name
      at(beat, (t) => {
        if (isDown(name, t) || peer === name) return
        const timer = note(t, name, 'timer', -1, { msg: 'heartbeat' })
        send(t, name, peer, 'ping', timer, (recv, now) => send(now, peer, name, 'pong', recv, () => {}))
      })
    }
  }

  const endsUs = 11_200_000
  for (let next = earliest(due); next !== undefined && next.t <= endsUs; next = earliest(due)) next.run(next.t)
  const last = events.findLast(({ kind, node }) => kind === 'recv' && node === primary)
  const message = 'order 61 was acknowledged at 6.214s and is missing on lax-2'
  const failed = note(endsUs, '', 'assert', last?.i ?? -1, {
    msg: `noLostOrders: ${message}`,
  })
  return {
    header: {
      name: 'shop',
      seed,
      nodes,
      durationUs: endUs,
      hash: '6f1d0c35a2b94e77',
      replay: `npx skerry-sim replay shop.sim.js --only 'shop' --seed ${seed}`,
      failure: { invariant: 'noLostOrders', message, t: endsUs, i: failed },
    },
    events,
  }
}

type Then = (recv: number, t: number) => void

interface Due {
  readonly t: number
  readonly order: number
  readonly run: (t: number) => void
}

/** Takes out what is due first. */
function earliest(due: Due[]): Due | undefined {
  let best = 0
  for (const [index, { t, order }] of due.entries()) {
    const first = due[best]
    if (first !== undefined && (t < first.t || (t === first.t && order < first.order))) best = index
  }
  return due.splice(best, 1)[0]
}

/** A trace that is only large: every node pings the next, until there are enough events. */
export function largeTrace(nodeCount: number, eventCount: number): Trace {
  const regions = ['syd', 'lax', 'fra', 'ams', 'gru']
  const perRegion = Math.ceil(nodeCount / regions.length)
  const nodes = Array.from({ length: nodeCount }, (_, index) => {
    const region = regions[Math.floor(index / perRegion)] ?? 'syd'
    return { name: `${region}-${(index % perRegion) + 1}`, region }
  })
  const nameAt = (index: number): string => nodes[index % nodeCount]?.name ?? ''
  const events: TraceEvent[] = []
  while (events.length < eventCount) {
    const i = events.length
    const round = Math.floor(i / nodeCount)
    const node = nameAt(i)
    const t = i * 211
    // In turn: a round of sends, and a round in which each takes in what its neighbour sent.
    if (round % 2 === 0)
      events.push({
        i,
        t,
        node,
        kind: 'send',
        cause: round === 0 ? -1 : i - nodeCount,
        peer: nameAt(i + 1),
        msg: `ping ${i}`,
      })
    else {
      const cause = i % nodeCount === 0 ? i - 1 : i - nodeCount - 1
      events.push({
        i,
        t,
        node,
        kind: 'recv',
        cause,
        peer: nameAt(cause),
        msg: `ping ${cause}`,
      })
    }
  }
  const replay = 'npx skerry-sim replay large.sim.js --seed 1'
  const header = {
    name: 'large',
    seed: 1,
    nodes,
    durationUs: eventCount * 211,
    hash: '0123456789abcdef',
    replay,
  }
  return { header, events }
}
