import { virtualClock } from '@skerry/testing'
import { describe, expect, it } from 'vitest'
import { BlockSlice } from '../../src/mesh/block-slice.ts'
import { LaneWriter } from '../../src/mesh/lane-writer.ts'
import { LinkFrames } from '../../src/mesh/link-frames.ts'
import { decodeLinkMessage, encodeLinkMessage, linkHeaderBytes } from '../../src/mesh/link-message.ts'
import { defaultPeerLinkSettings, zeroPeerLinkCounters } from '../../src/mesh/peer-link-settings.ts'
import { SplitMessage } from '../../src/mesh/split-message.ts'

const [small, large] = [frameOf(100), frameOf(2_500)]
const slice = (message: Uint8Array): BlockSlice => new BlockSlice(message, 0, message.length)
const passes = (frames: LinkFrames): boolean => frames.passes(small, linkHeaderBytes, small.length)

describe('a frame', () => {
  it('that is small travels whole on the frame lane', () => {
    const { frames, sent } = link()
    expect(frames.send(slice(small), false)).toBe('sent')
    expect(sent).toEqual([{ lane: 'frames', kind: 'frame' }])
    expect(frames.isSendingLarge).toBe(false)
  })

  it('that is large has its place on the frame lane, and its parts on the bulk lane', () => {
    const { frames, sent, counters } = link()
    expect(frames.send(slice(large), false)).toBe('sent')
    expect(sent.map(({ lane, kind }) => `${lane} ${kind}`)).toEqual([
      'frames bulk',
      'bulk part',
      'bulk part',
      'bulk part',
    ])
    expect([frames.isSendingLarge, counters.largeFramesSent]).toEqual([true, 1])
  })

  it('is too large by what the peer said, and nothing travels in parts to one that said nothing', () => {
    expect(link({ peerBytesMax: 2_000 }).frames.send(slice(large), false)).toBe('too-large')
    expect(link({ peerBytesMax: 0 }).frames.send(slice(frameOf(3_999)), false)).toBe('sent')
    expect(link({ peerBytesMax: 0 }).frames.send(slice(frameOf(4_001)), false)).toBe('too-large')
  })

  it('in two pieces is sent as one in one piece is', () => {
    const { frames, sent } = link()
    for (const message of [small, large]) {
      frames.send(new SplitMessage(message.slice(0, 10), message.slice(10)), false)
    }
    expect(sent.map(({ kind }) => kind)).toEqual(['frame', 'bulk', 'part', 'part', 'part'])
  })

  it('that finds no room is told of room once the lane takes again', () => {
    const { frames, log, drain, close } = link()
    close()
    for (let at = 0; at < 30; at += 1) frames.send(slice(small), false)
    expect(frames.send(slice(small), false)).toBe('overloaded')
    drain()
    drain()
    expect(log).toEqual(['room'])
  })

  it('may be a record only where the lane takes some, nothing large is under way, and nothing waits', () => {
    expect(link().frames.takesRecords).toBe(false)
    const { frames, sent, close, drain } = link({ takesRecords: true })
    expect([frames.takesRecords, frames.sendRecord({ byteLength: 1_000 })]).toEqual([true, true])
    expect(frames.sendRecord({ byteLength: 1_001 })).toBe(false)
    expect([sent, frames.traffic]).toEqual([[{ lane: 'frames', kind: 'record' }], 1])
    frames.send(slice(large), false)
    expect(frames.takesRecords).toBe(false)
    frames.credited(0)
    expect(frames.takesRecords).toBe(true)
    close('frames')
    expect(frames.takesRecords).toBe(false)
    drain()
    expect(frames.takesRecords).toBe(true)
  })

  it('counts as traffic, whichever way it goes', () => {
    const { frames } = link()
    frames.send(slice(small), false)
    expect(passes(frames)).toBe(true)
    expect(frames.traffic).toBe(2)
  })
})

describe('what comes', () => {
  it('waits behind a large frame of its order until that is whole, and is handed on behind it', () => {
    const { frames, log, counters } = link()
    frames.announced(0, 200, new Uint8Array(100))
    expect(passes(frames)).toBe(false)
    frames.part(0, 200, new Uint8Array(150))
    expect(log).toEqual([])
    frames.part(0, 200, new Uint8Array(50))
    expect(log.filter((line) => line.startsWith('deliver'))).toEqual(['deliver 200', 'deliver 100'])
    expect(log).toContain('handedOn 0')
    expect([counters.framesHeld, counters.largeFramesReceived, counters.framesReceived]).toEqual([1, 1, 1])
    expect(passes(frames)).toBe(true)
  })

  it('as credit for what was not sent breaks the rules', () => {
    const { frames, log } = link()
    frames.send(slice(large), false)
    frames.credited(0)
    frames.credited(0)
    expect(log).toEqual(['credit for a large frame that was not sent'])
    expect(frames.isSendingLarge).toBe(false)
  })
})

it('the end of a link says how many frames had not left', () => {
  const { frames, close } = link()
  close()
  frames.send(slice(small), false)
  frames.send(slice(small), false)
  expect(frames.drop()).toBe(2)
})

it('the end of a link counts a large frame once, whether its place, parts of it or both had not left', () => {
  const full = link()
  full.close()
  full.frames.send(slice(large), false)
  expect([full.sent.at(-1), full.frames.drop()]).toEqual([{ lane: 'bulk', kind: 'part' }, 1])
  const partsOnly = link()
  partsOnly.close('bulk')
  partsOnly.frames.send(slice(large), false)
  expect([partsOnly.sent.at(-1), partsOnly.frames.drop()]).toEqual([{ lane: 'bulk', kind: 'part' }, 1])
  const placeOnly = link()
  placeOnly.close('frames')
  placeOnly.frames.send(slice(large), false)
  expect([placeOnly.sent.filter(({ kind }) => kind === 'part').length, placeOnly.frames.drop()]).toEqual([3, 1])
})

/** One side of a link that takes frames of at most 4,000 bytes and sends those above 1,000 in parts of that size. */
function link({ peerBytesMax = 100_000, takesRecords = false } = {}) {
  const sent: { lane: string; kind: string }[] = []
  const log: string[] = []
  const drains: (() => void)[] = []
  const shut = new Set<string>()
  const writer = (lane: string): LaneWriter =>
    new LaneWriter(
      {
        send: (frame) => {
          sent.push({ lane, kind: decodeLinkMessage(frame).kind })
          return !shut.has(lane)
        },
        sendRecord: () => {
          sent.push({ lane, kind: 'record' })
          return !shut.has(lane)
        },
        takesRecords,
        onDrain: (on) => void drains.push(on),
        onFrame() {},
        pause() {},
        resume() {},
      },
      4_000,
    )
  const counters = zeroPeerLinkCounters()
  const frames = new LinkFrames({
    lanes: { frames: writer('frames'), bulk: writer('bulk') },
    clock: virtualClock(),
    settings: { ...defaultPeerLinkSettings, backlogBytesMax: 4_000, bulkFrameBytes: 1_000, bulkPartBytes: 1_000 },
    counters,
    maxFrameBytes: 4_001,
    frameBytesMax: 100_000,
    orderKey: () => '',
    deliver: (frame) => log.push(`deliver ${frame.byteLength}`),
    handedOn: (number) => log.push(`handedOn ${number}`),
    room: () => log.push('room'),
    violated: (detail) => log.push(detail),
  })
  frames.open(peerBytesMax)
  const drain = (): void => {
    shut.clear()
    for (const on of drains) on()
  }
  const close = (...lanes: string[]): void => {
    for (const lane of lanes.length > 0 ? lanes : ['frames', 'bulk']) shut.add(lane)
    // The lane of frames says that it is full with the frame that it takes last.
    frames.send(slice(small), false)
  }
  return { frames, sent, log, counters, drain, close }
}

function frameOf(bytes: number): Uint8Array {
  return encodeLinkMessage({ kind: 'frame', bytes: new Uint8Array(bytes) })
}
