import { describe, expect, it } from 'vitest'
import { mayTryElsewhere } from '../../src/rpc/retry.ts'

const aboutTheNode = [
  'ERR_NODE_UNREACHABLE',
  'ERR_NOT_READY',
  'ERR_DRAINING',
  'ERR_OVERLOADED',
  'ERR_NO_PROCEDURE',
  'ERR_NOT_PRIMARY',
  'ERR_PROCESS_START',
]

describe('a failed call', () => {
  it('may go to another node when this one certainly did not run it and the reason is the node', () => {
    for (const code of aboutTheNode) expect(mayTryElsewhere({ code, outcome: 'not-run', message: '' })).toBe(true)
  })

  it('never goes elsewhere when it may have run', () => {
    for (const code of aboutTheNode) {
      for (const outcome of ['unknown', 'ran'] as const) {
        expect(mayTryElsewhere({ code, outcome, message: '' })).toBe(false)
      }
    }
  })

  it('never goes elsewhere when the request itself is refused', () => {
    for (const code of [
      'ERR_INVALID_INPUT',
      'ERR_NOT_DECODABLE',
      'ERR_RPC_TIMEOUT',
      'ERR_FRAME_TOO_LARGE',
      'toString',
    ]) {
      expect(mayTryElsewhere({ code, outcome: 'not-run', message: '' })).toBe(false)
    }
  })
})
