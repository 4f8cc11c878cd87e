// Carries Ethernet frames between TAP devices, whose descriptors are the argument. Told by its parent what holds between which.
import { read, writeSync } from 'node:fs'
import type { Way } from './ways.ts'

/** Without a way nothing gets through. Numbers are places in the list of descriptors. */
export interface WireCommand {
  readonly from: number
  readonly to: number
  readonly way: Way | undefined
}

/** ARP goes through at once, as with netem: lines are told to lose packets, not to hide who is there. */
const addressResolution = 0x0806

/** Packets on their way in one direction. As a switch does, it drops what is beyond. */
const underWayMax = 1_000
const frameBytesMax = 2_048

interface Line {
  way: Way | undefined
  underWay: number
  /** When the last one arrives: none overtakes it. */
  lastDueMs: number
}

const taps = (process.argv[2] ?? '').split(',').map(Number)
const lines = taps.map(() => taps.map((): Line => ({ way: undefined, underWay: 0, lastDueMs: 0 })))
/** Behind which device a hardware address was seen. */
const places = new Map<string, number>()

process.on('message', ({ from, to, way }: WireCommand) => {
  ;(lines[from] as Line[])[to] = { ...lineOf(from, to), way }
})
process.on('disconnect', () => process.exit())
for (const from of taps.keys()) readNext(from)
process.send?.('ready')

function readNext(from: number): void {
  const frame = Buffer.alloc(frameBytesMax)
  read(taps[from] as number, frame, 0, frameBytesMax, null, (error, bytes) => {
    // A device that is down gives errors until it is up again.
    if (error !== null) setTimeout(() => readNext(from), 20)
    else {
      carry(from, frame.subarray(0, bytes))
      readNext(from)
    }
  })
}

function carry(from: number, frame: Buffer): void {
  places.set(frame.toString('hex', 6, 12), from)
  const place = places.get(frame.toString('hex', 0, 6))
  const targets = place === undefined ? [...taps.keys()] : [place]
  for (const to of targets) {
    if (to === from) continue
    if (frame.readUInt16BE(12) === addressResolution) deliver(to, frame)
    else send(from, to, frame)
  }
}

function send(from: number, to: number, frame: Buffer): void {
  const line = lineOf(from, to)
  const { way } = line
  if (way === undefined || Math.random() < way.loss || line.underWay >= underWayMax) return
  const delayMs = Math.max(0, way.delayMs + (Math.random() * 2 - 1) * way.jitterMs)
  const nowMs = performance.now()
  const dueMs = Math.max(nowMs + delayMs, line.lastDueMs)
  line.lastDueMs = dueMs
  line.underWay += 1
  setTimeout(() => {
    const now = lineOf(from, to)
    now.underWay -= 1
    // Cut while it was under way: gone.
    if (now.way !== undefined) deliver(to, frame)
  }, dueMs - nowMs)
}

function deliver(to: number, frame: Buffer): void {
  try {
    writeSync(taps[to] as number, frame)
  } catch {
    // The device is down, as a cable that is pulled.
  }
}

function lineOf(from: number, to: number): Line {
  return (lines[from] as Line[])[to] as Line
}
