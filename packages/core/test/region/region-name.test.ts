import { describe, expect, it } from 'vitest'
import { checkRegionTarget } from '../../src/region/region-choice.ts'
import { checkRegionName } from '../../src/region/region-name.ts'

describe('the name of a region', () => {
  for (const name of ['lhr', 'eu-west-1', 'A.b_C-9', 'x'.repeat(64), 'Primary']) {
    it(`may be ${name}`, () => expect(() => checkRegionName(name)).not.toThrow())
  }
  const wrong: [name: unknown, reason: RegExp][] = [
    ['', /empty/],
    ['primary', /stands for/],
    ['nearest', /stands for/],
    ['all', /stands for/],
    ['x'.repeat(65), /at most 64 characters, not 65/],
    ['eu west', /must not contain " "/],
    ['lhr\n', /must not contain "\\n"/],
    ['köln', /must not contain "ö"/],
    [undefined, /must be a string, not undefined/],
    [null, /not null/],
    [['lhr'], /not object/],
  ]
  for (const [name, reason] of wrong) {
    it(`can't be ${JSON.stringify(name)}`, () => {
      expect(() => checkRegionName(name)).toThrow(
        expect.objectContaining({ code: 'ERR_BAD_REGION', message: expect.stringMatching(reason) }),
      )
    })
  }
})

describe('a target', () => {
  it('may be a region, primary, nearest, or a list of these', () => {
    for (const target of ['lhr', 'primary', 'nearest', ['lhr', 'primary', 'nearest']]) {
      expect(() => checkRegionTarget(target)).not.toThrow()
    }
  })

  it('may be nothing else', () => {
    for (const target of [[], '', 'all', ['lhr', ''], ['all'], [['lhr']], undefined, { region: 'lhr' }]) {
      expect(() => checkRegionTarget(target)).toThrow(expect.objectContaining({ code: 'ERR_BAD_REGION' }))
    }
  })
})
