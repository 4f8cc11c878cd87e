import { describe, expect, it } from 'vitest'
import { calledForthRate } from '../../src/mesh/own-news-pace.ts'
import { OwnRecord } from '../../src/mesh/own-record.ts'
import { OwnVoice } from '../../src/mesh/own-voice.ts'
import { nodeRecord } from '../fixtures/node-record.ts'

function start() {
  const own = new OwnRecord(nodeRecord('me', { life: 3, version: 10 }), { sign: () => Uint8Array.of(7) })
  return { own, voice: new OwnVoice(own, 0) }
}

/** Others have called forth as much as it says at once. */
function spent() {
  const { own, voice } = start()
  for (let said = 0; said < calledForthRate.burst; said += 1) {
    expect(voice.calledForth(0)).toBe('now')
    voice.say({})
  }
  return { own, voice }
}

describe('what this node says of itself', () => {
  it('is above the version that it refutes', () => {
    const { voice } = start()
    expect(voice.refute(50, 0)).toBe('now')
    expect(voice.say({}).record.version).toBe(51)
  })

  it('refutes accusations of the versions below its last word', () => {
    const { voice } = start()
    expect(voice.spokenFor()).toEqual({ node: 'me', answered: 9, said: 10 })
    voice.say({ state: 'draining' })
    expect(voice.spokenFor()).toEqual({ node: 'me', answered: 10, said: 11 })
  })

  it('waits where others called forth much, and refutes by then what it will be above of, though it has not said so', () => {
    const { own, voice } = spent()
    const said = own.record.version
    expect(voice.refute(said, 0)).toBe(1_000)
    expect(voice.spokenFor()).toEqual({ node: 'me', answered: said, said })
    expect(voice.refute(said + 5, 0)).toBe('planned')
    expect(voice.spokenFor()).toEqual({ node: 'me', answered: said + 5, said })
    expect(voice.cameDue(1_000)).toBe(true)
    expect(voice.say({}).record.version).toBe(said + 6)
    expect(voice.spokenFor()).toEqual({ node: 'me', answered: said + 5, said: said + 6 })
  })

  it('is not said once more where a word for another reason came before', () => {
    const { voice } = spent()
    voice.calledForth(0)
    voice.say({ state: 'draining' })
    expect(voice.cameDue(1_000)).toBe(false)
  })
})
