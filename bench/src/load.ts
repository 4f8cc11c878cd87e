import { type Figures, quantile } from './contest.ts'

/** Something whose round trip is measured. */
export type RoundTrip = () => Promise<unknown>

// A look at the clock costs a few percent of a call of half a microsecond.
const callsBetweenClockReads = 64

/** One round trip after another: how many a second. */
export async function sequentialRate(roundTrip: RoundTrip, sliceMs: number): Promise<Figures> {
  const started = performance.now()
  let calls = 0
  let now = started
  while (now - started < sliceMs) {
    for (let left = callsBetweenClockReads; left > 0; left -= 1) await roundTrip()
    calls += callsBetweenClockReads
    now = performance.now()
  }
  return { rate: (calls * 1000) / (now - started) }
}

/** `inFlight` round trips open at any time, each followed by the next as soon as it is back: how many a second. */
export async function inFlightRate(roundTrip: RoundTrip, sliceMs: number, inFlight: number): Promise<Figures> {
  const started = performance.now()
  let calls = 0
  let isOver = false
  const line = async (): Promise<void> => {
    while (!isOver) {
      await roundTrip()
      calls += 1
      if (calls % callsBetweenClockReads === 0 && performance.now() - started >= sliceMs) isOver = true
    }
  }
  await Promise.all(Array.from({ length: inFlight }, line))
  return { rate: (calls * 1000) / (performance.now() - started) }
}

const messagesInBatch = 1_000

/** One-way messages in batches, each batch followed by one round trip to the same receiver: how many messages a second. */
export async function oneWayRate(send: () => void, roundTrip: RoundTrip, sliceMs: number): Promise<Figures> {
  const started = performance.now()
  let sent = 0
  let now = started
  while (now - started < sliceMs) {
    for (let left = messagesInBatch; left > 0; left -= 1) send()
    await roundTrip()
    sent += messagesInBatch
    now = performance.now()
  }
  return { rate: (sent * 1000) / (now - started) }
}

const samplesMax = 1_000_000
const samples = new Float64Array(samplesMax)

/** One round trip after another: how long the median and the slowest of a hundred take, in microseconds. */
export async function sequentialLatency(roundTrip: RoundTrip, sliceMs: number): Promise<Figures> {
  let count = 0
  let now = performance.now()
  const end = now + sliceMs
  while (now < end && count < samplesMax) {
    await roundTrip()
    const back = performance.now()
    samples[count] = (back - now) * 1000
    count += 1
    now = back
  }
  const taken = samples.subarray(0, count)
  return { p50: quantile(taken, 0.5), p99: quantile(taken, 0.99) }
}

/** The same while `large` goes on, one after another. Both begin together, and the last of `large` is waited for. */
export async function latencyBeside(large: RoundTrip, roundTrip: RoundTrip, sliceMs: number): Promise<Figures> {
  let isOver = false
  const bulk = (async () => {
    while (!isOver) await large()
  })()
  const figures = await sequentialLatency(roundTrip, sliceMs)
  isOver = true
  await bulk
  return figures
}
