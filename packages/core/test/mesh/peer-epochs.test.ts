import { expect, it } from 'vitest'
import { PeerEpochs } from '../../src/mesh/peer-epochs.ts'

it('the last that each of 16,384 peers said is known; beyond that the oldest is forgotten that has no link', () => {
  const epochs = new PeerEpochs((node) => node === 'p0')
  const note = (at: number): void => epochs.note(`p${at}`, { life: 1, epoch: at })
  for (let at = 0; at < 16_384; at += 1) note(at)
  expect(epochs.get('p1')).toEqual({ life: 1, epoch: 1 })
  note(1)
  note(16_384)
  expect([0, 1, 2, 3, 16_384].map((at) => epochs.get(`p${at}`)?.epoch)).toEqual([0, 1, undefined, 3, 16_384])
})
