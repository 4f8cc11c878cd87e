import { describe, expect, it } from 'vitest'
import type { DialTarget } from '../../src/mesh/dial-target.ts'
import { type HandshakeLink, Handshakes, type HandshakesOptions } from '../../src/mesh/handshakes.ts'
import { type Greeting, protocolVersion } from '../../src/mesh/link-message.ts'
import { zeroPeerLinkCounters } from '../../src/mesh/peer-link-settings.ts'

describe('a peer that dialled', () => {
  it('is accepted after its hello, with a greeting of a new epoch each time', () => {
    const node = started()
    for (const [peer, epoch] of [
      ['b', 1],
      ['c', 2],
    ] as const) {
      const link = node.accepted(peer)
      node.handshakes.hello(link, greeting(peer))
      expect(link.log).toEqual(['listen', `accept ${epoch}`])
    }
    expect(node.log).toEqual(['up b', 'up c'])
  })

  it('waits until the transport has said who we are, if it is still there then', () => {
    const node = nodeOf()
    const [here, gone] = [node.accepted('b'), node.accepted('c')]
    node.handshakes.hello(here, greeting('b'))
    node.handshakes.hello(gone, greeting('c'))
    expect([here.log, gone.log]).toEqual([['listen'], ['listen']])
    gone.end('closed', 'lost')
    node.handshakes.start('me', ['fake:me'])
    expect(node.log).toEqual(['up b'])
  })

  it('is refused as its hello deserves, which is told and counted', () => {
    const node = started()
    const link = node.accepted('b')
    node.handshakes.hello(link, { ...greeting('b'), cluster: 'other' })
    expect(link.log).toEqual(['listen', 'refuse ERR_WRONG_CLUSTER'])
    expect(node.log).toEqual(['refused b us ERR_WRONG_CLUSTER'])
    expect(node.counters.helloRefusals).toBe(1)
  })

  it('replaces its older link, which ends first, and one more peer than may be is refused', () => {
    const node = started({ linksMax: 1 })
    const [old, newer, third] = [node.accepted('b'), node.accepted('b'), node.accepted('c')]
    node.handshakes.hello(old, greeting('b', 1))
    node.handshakes.hello(newer, greeting('b', 2))
    expect(node.log).toEqual(['up b', 'down b superseded', 'up b'])
    node.handshakes.hello(third, greeting('c'))
    expect(third.log).toEqual(['listen', 'refuse ERR_TOO_MANY_LINKS'])
  })

  it('and comes and goes more often than may be is refused for a while, and others are not', () => {
    const node = started({ hellosAtOnce: 3, hellosPerSecond: 2 })
    const comes = (peer: string, epoch: number): string | undefined => {
      const link = node.accepted(peer)
      node.handshakes.hello(link, greeting(peer, epoch))
      const said = link.log.at(-1)
      link.end('closed', '')
      return said
    }
    const refused = 'refuse ERR_TOO_MANY_LINKS'
    expect([1, 2, 3, 4].map((epoch) => comes('b', epoch))).toEqual(['accept 1', 'accept 2', 'accept 3', refused])
    expect(comes('c', 1)).toBe('accept 4')
    node.passes(500)
    expect([comes('b', 5), comes('b', 6)]).toEqual(['accept 5', refused])
  })

  it('is ourselves: the link is not needed', () => {
    const node = started()
    const link = node.accepted('me')
    node.handshakes.hello(link, greeting('me'))
    expect(link.log).toEqual(['listen', 'end dropped'])
    expect(node.counters.linksDropped).toBe(1)
  })

  it('gets no link any more when this node was stopped by the end of its old one', () => {
    const node = started()
    const [old, newer] = [node.accepted('b'), node.accepted('b')]
    node.handshakes.hello(old, greeting('b', 1))
    old.onEnd = () => node.stop()
    node.handshakes.hello(newer, greeting('b', 2))
    expect(node.log).toEqual(['up b', 'down b superseded'])
    node.handshakes.stop()
    expect(newer.log).toEqual(['listen', 'end dropped'])
  })
})

describe('a peer that we dialled', () => {
  it('is said hello to, and its link is up with its accept, before what came early is handed on', () => {
    const node = started()
    const link = node.dialled('b')
    expect([node.handshakes.isGreeting('b'), link.log]).toEqual([true, ['listen', 'hello 1']])
    node.handshakes.acceptedBy(link, greeting('b'))
    expect(link.log).toEqual(['listen', 'hello 1', 'open', 'hand on early'])
    expect([node.handshakes.isGreeting('b'), node.log]).toEqual([false, ['up b']])
  })

  it('is turned away when its accept is not what it should be: the dial failed', () => {
    const node = started()
    const link = node.dialled('b')
    node.handshakes.acceptedBy(link, { ...greeting('b'), node: 'mallory' })
    expect(node.log).toEqual(['refused b us ERR_WRONG_PEER', 'dial of b failed'])
  })

  it('that refuses is told of, but not one that has a link to us already', () => {
    const node = started()
    const [b, c] = [node.dialled('b'), node.dialled('c')]
    node.handshakes.refusedBy(b, 'ERR_WRONG_REGION', 'not here')
    b.end('refused', 'ERR_WRONG_REGION')
    expect(node.log.splice(0)).toEqual(['refused b peer ERR_WRONG_REGION', 'dial of b failed'])
    node.handshakes.refusedBy(c, 'ERR_DUPLICATE_LINK', '')
    c.end('refused', 'ERR_DUPLICATE_LINK')
    expect(node.log).toEqual(['dial of c duplicate'])
  })

  it('and that dialled us too has one link: of two hellos the one of the smaller id wins', () => {
    const node = started()
    const [toA, toZ, fromA, fromZ] = [node.dialled('a'), node.dialled('z'), node.accepted('a'), node.accepted('z')]
    node.handshakes.hello(fromA, greeting('a'))
    node.handshakes.hello(fromZ, greeting('z'))
    expect([toA.log.at(-1), fromA.log.at(-1)]).toEqual(['end dropped', 'accept 3'])
    expect([toZ.log.at(-1), fromZ.log.at(-1)]).toEqual(['hello 2', 'refuse ERR_DUPLICATE_LINK'])
    node.handshakes.acceptedBy(toZ, greeting('z'))
    expect(node.log).toEqual(['dial of a failed', 'up a', 'up z'])
    expect(node.counters.helloRefusals).toBe(0)
  })

  it('has said its epoch with its accept: a hello that is not newer is a leftover', () => {
    const node = started()
    const link = node.dialled('b')
    node.handshakes.acceptedBy(link, greeting('b', 5))
    const [late, anew] = [node.accepted('b'), node.accepted('b')]
    node.handshakes.hello(late, greeting('b', 5))
    node.handshakes.hello(anew, greeting('b', 6))
    expect([late.log.at(-1), anew.log.at(-1)]).toEqual(['refuse ERR_DUPLICATE_LINK', 'accept 2'])
  })

  it('and that has another link by now ends this one', () => {
    const node = started()
    const link = node.dialled('b')
    node.links.set('b', node.accepted('b'))
    node.handshakes.acceptedBy(link, greeting('b'))
    expect(link.log.at(-1)).toBe('end dropped')
  })
})

describe('links that are not settled', () => {
  it('have a bound, which those count to that wait for their peer to close them', () => {
    const node = started({ greetingLinksMax: 2 })
    const b = node.accepted('b')
    node.handshakes.hello(b, greeting('b'))
    node.accepted('c')
    expect(node.handshakes.isFullFor('d')).toBe(false)
    node.handshakes.leaving(b)
    expect(node.handshakes.isFullFor('d')).toBe(true)
    b.end('stopped', '')
    expect(node.handshakes.isFullFor('d')).toBe(false)
  })

  it('of one peer have a bound of their own', () => {
    const node = started({ greetingLinksPerPeerMax: 2 })
    node.accepted('b')
    node.accepted('b')
    expect([node.handshakes.isFullFor('b'), node.handshakes.isFullFor('c')]).toEqual([true, false])
  })

  it('end with a stop, and those that wait for their peer are waited for', async () => {
    const node = started()
    const [c, d, b] = [node.accepted('c'), node.dialled('d'), node.accepted('b')]
    node.handshakes.hello(b, greeting('b'))
    node.handshakes.stop()
    expect([c.log.at(-1), d.log.at(-1), b.log.at(-1)]).toEqual(['end dropped', 'end dropped', 'accept 2'])
    await node.handshakes.allEnded()
    node.handshakes.leaving(b)
    const log: string[] = []
    const all = node.handshakes.allEnded().then(() => log.push('all ended'))
    log.push('waits')
    b.end('stopped', '')
    await all
    expect(log).toEqual(['waits', 'all ended'])
  })
})

interface FakeLink extends HandshakeLink {
  isGreeting: boolean
  readonly log: string[]
  /** Called when it ends. */
  onEnd: () => void
}

type Settings = HandshakesOptions<FakeLink>['settings']

function started(settings: Partial<Settings> = {}) {
  const node = nodeOf(settings)
  node.handshakes.start('me', ['fake:me'])
  return node
}

/** `me`, whose links are nothing but a log. */
function nodeOf(settings: Partial<Settings> = {}) {
  const log: string[] = []
  const links = new Map<string, FakeLink>()
  const counters = zeroPeerLinkCounters()
  let isStopping = false
  let now = 0
  const handshakes = new Handshakes<FakeLink>({
    self: { life: 1, cluster: 'test', region: 'fra' },
    settings: {
      greetingLinksMax: 10,
      greetingLinksPerPeerMax: 10,
      hellosAtOnce: 10,
      hellosPerSecond: 1,
      linksMax: 10,
      ...settings,
    },
    counters,
    frameBytesMax: 1_000,
    clock: { monotonic: () => now },
    links,
    isStopping: () => isStopping,
    up: (link) => {
      links.set(link.peer, link)
      log.push(`up ${link.peer}`)
    },
    settled: (target, outcome) => void log.push(`dial of ${target.addresses[0]} ${outcome}`),
    refused: (peer, { by, code }) => void log.push(`refused ${peer} ${by} ${code}`),
  })
  const linkTo = (peer: string): FakeLink => {
    const its: string[] = []
    const link: FakeLink = {
      peer,
      regions: undefined,
      isGreeting: true,
      log: its,
      onEnd() {},
      listen: () => void its.push('listen'),
      sayHello: ({ epoch }) => void its.push(`hello ${epoch}`),
      accept: ({ epoch }) => {
        link.isGreeting = false
        its.push(`accept ${epoch}`)
      },
      open: () => {
        link.isGreeting = false
        its.push('open')
      },
      handOnEarly: () => void its.push('hand on early'),
      refuse: (code) => {
        link.isGreeting = false
        its.push(`refuse ${code}`)
      },
      end: (reason) => {
        link.isGreeting = false
        its.push(`end ${reason}`)
        handshakes.ended(link)
        if (links.get(peer) === link) {
          links.delete(peer)
          log.push(`down ${peer} ${reason}`)
        }
        link.onEnd()
      },
    }
    return link
  }
  return {
    handshakes,
    links,
    counters,
    log,
    stop: () => {
      isStopping = true
    },
    passes: (ms: number) => {
      now += ms
    },
    accepted: (peer: string) => {
      const link = linkTo(peer)
      handshakes.accepted(link)
      return link
    },
    dialled: (peer: string) => {
      const link = linkTo(peer)
      handshakes.dialled(link, { addresses: [peer] } as unknown as DialTarget)
      return link
    },
  }
}

function greeting(node: string, epoch = 1): Greeting {
  const limits = { frameBytesMax: 1_000, meshVersion: 2, addresses: [] }
  const protocol = { protocolVersion, protocolVersionMin: protocolVersion }
  return { ...protocol, cluster: 'test', node, life: 5, region: 'syd', epoch, ...limits }
}
