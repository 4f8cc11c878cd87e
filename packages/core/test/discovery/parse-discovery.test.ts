import { describe, expect, it } from 'vitest'
import { parseDiscovery } from '../../src/discovery/parse-discovery.ts'

describe('SKERRY_DISCOVERY', () => {
  const good: readonly [text: string, names: string[]][] = [
    ['dns:nodes.shop.internal:4001', ['dns:nodes.shop.internal:4001']],
    ['srv:_mesh._tcp.nodes.shop', ['srv:_mesh._tcp.nodes.shop']],
    ['fly:shop:4001', ['fly:shop:4001']],
    ['fly:4001', ['fly:here:4001']],
    ['kubernetes:skerry.shop:4001', ['kubernetes:skerry.shop:4001']],
    ['kubernetes:skerry.shop:mesh', ['kubernetes:skerry.shop:mesh']],
    [' fly:4001 , dns:a:1\n', ['fly:here:4001', 'dns:a:1']],
  ]
  for (const [text, names] of good) {
    it(`names sources: ${JSON.stringify(text)}`, () => {
      expect(parseDiscovery(text, { FLY_APP_NAME: 'here' }).map(({ name }) => name)).toEqual(names)
    })
  }

  const bad: readonly [text: string, message: RegExp][] = [
    ['', /no source/],
    [' , ', /no source/],
    ['dns', /should read <kind>/],
    ['dns:', /should read <kind>/],
    ['dns:a', /should read dns:<name>:<port>/],
    ['dns:a:http', /port must be/],
    ['dns:a:1:2', /should read/],
    ['srv:a:1', /should read srv:<name>/],
    ['kubernetes:skerry:4001', /should read kubernetes:/],
    ['kubernetes:skerry.shop.svc:4001', /should read kubernetes:/],
    ['kubernetes:skerry.shop', /should read kubernetes:/],
    ['consul:shop:1', /other sources are given in code/],
    ['fly:x', /port must be/],
    [Array.from({ length: 17 }, () => 'srv:a').join(' '), /more than 16/],
  ]
  for (const [text, message] of bad) {
    it(`is refused with what it should read: ${JSON.stringify(text)}`, () => {
      const read = (): unknown => parseDiscovery(text, { FLY_APP_NAME: 'here' })
      expect(read).toThrow(
        expect.objectContaining({ code: 'ERR_BAD_DISCOVERY', message: expect.stringMatching(message) }),
      )
    })
  }

  it('needs FLY_APP_NAME for an app that it does not name', () => {
    expect(() => parseDiscovery('fly:4001', {})).toThrow(/needs FLY_APP_NAME/)
  })
})
