import { describe, expect, it } from 'vitest'
import type { Signal, SpawnRequest } from '../../src/actor/signal.ts'
import { isJudgedByItsTarget, isUrgent, opensLink, sendsOutItsSender } from '../../src/mesh/signal-kinds.ts'

const to = { node: 'b', life: 1, thread: 0, serial: 3 }
const from = { node: 'a', life: 1, thread: 0, serial: 4 }
const item = new Uint8Array(1)

const rules = { opensLink, isUrgent, sendsOutItsSender, isJudgedByItsTarget }
type Rule = keyof typeof rules

/** Of each kind of signal, which of the rules hold. The type says that none is missing. */
const kinds: { readonly [Kind in Signal['type'] | 'exit by link']: readonly [Signal, ...Rule[]] } = {
  message: [{ type: 'message', to, message: 'hello', encoded: false }, 'opensLink'],
  cast: [{ type: 'cast', to, name: 'add', args: [], encoded: false }, 'opensLink'],
  call: [{ type: 'call', to, from, ref: 1, name: 'add', args: [], encoded: false }, 'opensLink'],
  spawn: [{ type: 'spawn', to, from, request: {} as SpawnRequest }, 'opensLink'],
  link: [{ type: 'link', from, to }, 'opensLink', 'isUrgent', 'sendsOutItsSender'],
  monitor: [{ type: 'monitor', from, to, ref: 1 }, 'opensLink', 'isUrgent', 'sendsOutItsSender'],
  exit: [{ type: 'exit', from, to, reason: 'shutdown', viaLink: false }, 'opensLink', 'isUrgent', 'sendsOutItsSender'],
  'exit by link': [{ type: 'exit', from, to, reason: 'shutdown', viaLink: true }, 'isUrgent', 'isJudgedByItsTarget'],
  down: [{ type: 'down', from, to, ref: 1, reason: 'normal' }, 'isUrgent'],
  unlink: [{ type: 'unlink', from, to }, 'isUrgent'],
  demonitor: [{ type: 'demonitor', from, to, ref: 1 }, 'isUrgent'],
  cancel: [{ type: 'cancel', from, to, reason: 'timeout' }, 'isUrgent'],
  reply: [{ type: 'reply', to, ref: 0, result: { ok: true, value: 1, encoded: false } }, 'isJudgedByItsTarget'],
  item: [{ type: 'item', from, to, seq: 0, item }, 'isJudgedByItsTarget'],
  credit: [{ type: 'credit', from, to, items: 1, bytes: 1 }, 'isUrgent', 'isJudgedByItsTarget'],
  itemsEnd: [{ type: 'itemsEnd', from, to }, 'isUrgent', 'isJudgedByItsTarget'],
}

describe('a signal between nodes', () => {
  it.each(Object.entries(kinds))('that is a %s', (_kind, [signal, ...holding]) => {
    const found = Object.entries(rules).filter(([, holds]) => holds(signal))
    expect(found.map(([rule]) => rule)).toEqual(holding)
  })
})
