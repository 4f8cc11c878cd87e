import { describe, expect, it } from 'vitest'
import { libp2pOptionsFrom } from '../src/environment.ts'

const secret = 'a secret of 16 characters or more'

describe('the options in the environment', () => {
  it('are lists where the option is one', () => {
    const environment = {
      SKERRY_CLUSTER: 'shop',
      SKERRY_SECRETS: `${secret.replaceAll(' ', '-')},${secret.replaceAll(' ', '+')}=`,
      SKERRY_LISTEN: '/ip6/::/tcp/4001 /ip4/0.0.0.0/tcp/4001',
      SKERRY_SEEDS: '/dns4/seed.internal/tcp/4001',
      SKERRY_PRIVATE_KEY: 'CAES',
      SKERRY_OTHER: 'x',
    }
    expect(libp2pOptionsFrom(environment)).toEqual({
      cluster: 'shop',
      secrets: [secret.replaceAll(' ', '-'), `${secret.replaceAll(' ', '+')}=`],
      listen: ['/ip6/::/tcp/4001', '/ip4/0.0.0.0/tcp/4001'],
      seeds: ['/dns4/seed.internal/tcp/4001'],
      privateKey: 'CAES',
    })
  })

  it('may name other variables in addresses', () => {
    const environment = {
      SKERRY_CLUSTER: 'shop',
      SKERRY_ANNOUNCE: '/ip6/$FLY_PRIVATE_IP/tcp/4001,/ip4/${POD_IP}/tcp/4001',
      FLY_PRIVATE_IP: 'fdaa:0:1::2',
      POD_IP: '10.0.0.1',
    }
    expect(libp2pOptionsFrom(environment).announce).toEqual(['/ip6/fdaa:0:1::2/tcp/4001', '/ip4/10.0.0.1/tcp/4001'])
  })

  const cluster = { SKERRY_CLUSTER: 'shop' }
  const refused: readonly [what: string, environment: Record<string, string>, message: RegExp][] = [
    ['no cluster', {}, /SKERRY_CLUSTER is not set/],
    ['an empty cluster', { SKERRY_CLUSTER: '' }, /SKERRY_CLUSTER can't be/],
    ['an empty list', { ...cluster, SKERRY_SECRETS: '' }, /SKERRY_SECRETS is empty/],
    ['a short secret', { ...cluster, SKERRY_SECRETS: 'hunter2' }, /SKERRY_SECRETS can't be: .*shorter/],
    ['no multiaddr', { ...cluster, SKERRY_SEEDS: '10.0.0.1:4001' }, /SKERRY_SEEDS can't be: .*not a multiaddr/],
    ['an unknown variable', { ...cluster, SKERRY_ANNOUNCE: '/ip6/$NOBODY/tcp/1' }, /SKERRY_ANNOUNCE names NOBODY/],
    ['an empty key', { ...cluster, SKERRY_PRIVATE_KEY: '' }, /SKERRY_PRIVATE_KEY can't be/],
  ]
  for (const [what, environment, message] of refused) {
    it(`are refused with the variable's name: ${what}`, () => {
      expect(() => libp2pOptionsFrom(environment)).toThrow(
        expect.objectContaining({ code: 'ERR_TRANSPORT_START', message: expect.stringMatching(message) }),
      )
    })
  }

  it('are refused without telling a secret', () => {
    expect(() => libp2pOptionsFrom({ ...cluster, SKERRY_SECRETS: 'hunter2' })).toThrow(/^(?!.*hunter2)/s)
  })
})
