import { readSync, writeSync } from 'node:fs'
import type { RoundTrip } from './load.ts'
import { startLocalCaller } from './local-caller.ts'

// A process of its own, run in valgrind by the suite, with the address of an index of core. It does what it is told by a letter on its
// input, answers each with one, and stands still in between, so that the instructions between two answers are those of what was asked.

// In valgrind everything takes fifty times as long, and turns that seem long would have the turn queue go to the event loop more often.
let nowMs = 0
Object.defineProperty(performance, 'now', { value: () => (nowMs += 0.008) })

const warmUpCalls = 150_000
const [index, calls] = process.argv.slice(2)
const { call } = await startLocalCaller(index!)
const count = Number(calls)
const letter = Buffer.alloc(1)
const orders: Readonly<Record<string, () => Promise<void>>> = {
  S: () => sequential(call, warmUpCalls),
  s: () => sequential(call, count),
  F: () => inFlight(call, warmUpCalls),
  f: () => inFlight(call, count),
}
for (;;) {
  writeSync(1, '.')
  const order = readSync(0, letter) === 0 ? undefined : orders[letter.toString()]
  if (order === undefined) break
  await order()
}
process.exit(0)

async function sequential(roundTrip: RoundTrip, times: number): Promise<void> {
  for (let left = times; left > 0; left -= 1) await roundTrip()
}

async function inFlight(roundTrip: RoundTrip, times: number): Promise<void> {
  let left = times
  const line = async (): Promise<void> => {
    for (; left > 0; left -= 1) await roundTrip()
  }
  await Promise.all(Array.from({ length: 100 }, line))
}
