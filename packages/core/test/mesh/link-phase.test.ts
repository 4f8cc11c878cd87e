import { expect, it } from 'vitest'
import type { LinkMessage } from '../../src/mesh/link-message.ts'
import { type LinkSide, violationBy } from '../../src/mesh/link-phase.ts'

const greetings = ['hello', 'accept', 'refuse'] as const
const others = ['ping', 'pong', 'goodbye', 'control', 'frame', 'bulk', 'part', 'handedOn'] as const
const kinds: readonly LinkMessage['kind'][] = [...greetings, ...others]

it.each<[string, LinkSide, readonly string[]]>([
  ['the dialled side gets a hello, once', { dialled: false, helloDone: false }, ['hello']],
  ['the dialled side gets nothing behind it', { dialled: false, helloDone: true }, []],
  ['the dialling side gets nothing before its own hello', { dialled: true, helloDone: false }, []],
  ['the dialling side gets the answer to it', { dialled: true, helloDone: true }, ['accept', 'refuse']],
])('in the handshake %s', (_what, side, allowed) => {
  expect(kinds.filter((kind) => violationBy(kind, 'greeting', side) === undefined)).toEqual(allowed)
  expect(violationBy('ping', 'greeting', side)).toBe('ping in the handshake')
})

it('a link that is up carries all but greetings', () => {
  for (const phase of ['opening', 'up'] as const) {
    for (const dialled of [true, false]) {
      const allowed = kinds.filter((kind) => violationBy(kind, phase, { dialled, helloDone: true }) === undefined)
      expect(allowed).toEqual(others)
    }
  }
  expect(violationBy('accept', 'up', { dialled: true, helloDone: true })).toBe('accept on a link that is up')
})
