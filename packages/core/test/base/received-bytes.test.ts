import { expect, it } from 'vitest'
import { noteReceived, pointedIntoBytesMin, wasRead } from '../../src/base/received-bytes.ts'

it('who noted a buffer is told of each part of it that was read, but of none that a value may be a view of', () => {
  let told = 0
  const noted = new Uint8Array(pointedIntoBytesMin + 2)
  noteReceived(noted.buffer, { partWasRead: () => (told += 1) })
  wasRead(noted.subarray(1, 9))
  wasRead(noted.subarray(9, 9 + pointedIntoBytesMin - 1))
  expect(told).toBe(2)
  wasRead(noted.subarray(1, 1 + pointedIntoBytesMin))
  wasRead(new Uint8Array(8))
  expect(told).toBe(2)
})
