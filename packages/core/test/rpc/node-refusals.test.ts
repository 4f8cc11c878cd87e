import { describe, expect, it } from 'vitest'
import type { Failure } from '../../src/actor/signal.ts'
import { failureOfNode, leaving, noProcedure, notReady, overloaded, restarting } from '../../src/rpc/node-refusals.ts'

describe('why a node does not take a call', () => {
  it('is always a refusal after which it is surely not run', () => {
    const all = [leaving, restarting, noProcedure([], 1), notReady('not yet'), overloaded('too much')]
    expect(all.map(({ code, outcome }) => [code, outcome])).toEqual(
      ['ERR_DRAINING', 'ERR_NOT_READY', 'ERR_NO_PROCEDURE', 'ERR_NOT_READY', 'ERR_OVERLOADED'].map((code) => [
        code,
        'not-run',
      ]),
    )
  })

  it('says which versions there are of a procedure', () => {
    expect(noProcedure([], 2).message).toBe('The node has no procedure of that name; version 2 was asked for')
    expect(noProcedure([1, 3], 2).message).toBe('The node has only version 1, 3; version 2 was asked for')
  })

  const ofActors: [what: string, failure: Failure, code: string, outcome: string][] = [
    ['are flooded', { code: 'ERR_MAILBOX_FULL', outcome: 'not-run', message: 'full' }, 'ERR_OVERLOADED', 'not-run'],
    ['ended', { code: 'ERR_CALLEE_EXITED', outcome: 'not-run', message: 'gone' }, 'ERR_NOT_READY', 'not-run'],
    ['ended amid it', { code: 'ERR_CALLEE_EXITED', outcome: 'unknown', message: 'gone' }, 'ERR_NOT_READY', 'unknown'],
    ['said why', { code: 'ERR_NOT_PRIMARY', outcome: 'not-run', message: 'no' }, 'ERR_NOT_PRIMARY', 'not-run'],
  ]
  it.each(ofActors)('is the node’s where its own actors %s', (_what, failure, code, outcome) => {
    expect(failureOfNode(failure)).toMatchObject({ code, outcome })
  })
})
