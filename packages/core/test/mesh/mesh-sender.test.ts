import { expect, it } from 'vitest'
import { decodeMeshMessage } from '../../src/mesh/mesh-message.ts'
import { MeshSender } from '../../src/mesh/mesh-sender.ts'
import { digestParts } from '../../src/mesh/record-digest.ts'

const versions: Record<string, number> = { old: 1, new: 2 }

it('records go to everybody, accusations to those who read them, each link with bytes of its own', () => {
  const { sender, sent } = senderOf()
  sender.sendSealed(['old', 'new', 'unlinked'], 'records', [Uint8Array.of(1)])
  expect(sent.map(({ to }) => to)).toEqual(['old', 'new', 'unlinked'])
  expect(new Set(sent.map(({ bytes }) => bytes.buffer)).size).toBe(3)
  expect(decodeMeshMessage(sent[0]!.bytes)).toEqual({ kind: 'records', records: [Uint8Array.of(1)] })
  sent.length = 0
  sender.sendSealed(['old', 'new'], 'accusations', [Uint8Array.of(1)])
  expect(sent.map(({ to }) => to)).toEqual(['new'])
})

it('what is too large for a control is left out and said', () => {
  const { sender, sent, warned } = senderOf()
  sender.sendSealed(['new'], 'records', [new Uint8Array(200), Uint8Array.of(1)])
  expect(sent.map(({ bytes }) => decodeMeshMessage(bytes))).toEqual([{ kind: 'records', records: [Uint8Array.of(1)] }])
  expect(warned).toEqual([{ skipped: 1 }])
})

it('a node that can not serve yet says nothing', () => {
  const { sender, sent } = senderOf(false)
  sender.sendSealed(['new'], 'records', [Uint8Array.of(1)])
  sender.sendDigest('new', new Uint32Array(digestParts), false)
  expect(sent).toEqual([])
})

it('an answer ends where the peer asked for too much, and that is counted', () => {
  const { sender, sent, unanswered } = senderOf()
  sender.answer('new', 'records', [Uint8Array.of(1), new Uint8Array(60), Uint8Array.of(2)])
  expect(sent.map(({ bytes }) => decodeMeshMessage(bytes))).toEqual([{ kind: 'records', records: [Uint8Array.of(1)] }])
  expect(unanswered()).toBe(1)
})

function senderOf(isReady = true) {
  const sent: { to: string; bytes: Uint8Array }[] = []
  const warned: object[] = []
  let unanswered = 0
  const sender = new MeshSender({
    links: {
      controlBytesMax: 100,
      measured: (node) => (node in versions ? ({ meshVersion: versions[node] } as never) : undefined),
      sendControl: (to, bytes) => {
        sent.push({ to, bytes })
        return 'sent'
      },
    },
    isReady: () => isReady,
    log: { warn: (fields) => void warned.push(fields) },
    mayAnswer: (_node, bytes) => bytes < 50,
    unanswered: () => void (unanswered += 1),
  })
  return { sender, sent, warned, unanswered: () => unanswered }
}
