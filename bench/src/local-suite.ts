import { defineApp, startNode } from '@skerry/core'
import { BareMailbox, byMicrotask, byPromise, type Schedule } from './bare-mailbox.ts'
import { collectOnce } from './collect-once.ts'
import { type Contestant, contest, type Figures, finer, type Pace } from './contest.ts'
import { counter } from './counter.ts'
import { startDriver } from './driver.ts'
import { inFlightRate, oneWayRate, type RoundTrip, sequentialLatency, sequentialRate } from './load.ts'
import { startNactCounter } from './nact-counter.ts'
import { startOtp } from './otp.ts'
import { type Row, rowOf, skerry } from './row.ts'

const plainCode = 'node.call, by plain code'
const bare = 'bare promise mailbox'
const bareMicrotask = 'the same by queueMicrotask'
const bareTimer = 'the same with a timer a call'
const nactQuery = 'nact query'
const nactDispatch = 'nact dispatch'
const otpCall = 'OTP gen_server:call'
const otpSend = 'OTP !'

/** Calls and messages between actors of one thread. Ours, nact's and OTP's calls have a time-out, the bare mailbox's none. */
export async function localSuite(pace: Pace): Promise<Row[]> {
  const otp = await startOtp()
  const nact = startNactCounter()
  const node = await startNode(defineApp({ name: 'bench', children: [] }))
  const ctx = await startDriver(node)
  const pid = await ctx.start(counter, [0])
  const timed = bareCounter(byPromise)
  const call: RoundTrip = () => ctx.call(pid, 'add', [1])
  const calls: Readonly<Record<string, RoundTrip>> = {
    [skerry]: call,
    [plainCode]: () => node.call(pid, 'add', [1]),
    [bare]: bareCall(byPromise),
    [bareMicrotask]: bareCall(byMicrotask),
    [bareTimer]: () => timed.callWithTimer(1, 5_000),
    [nactQuery]: nact.query,
  }
  const each = (names: readonly string[], measure: (roundTrip: RoundTrip, sliceMs: number) => Promise<Figures>) =>
    names.map((name): Contestant => ({ name, run: (sliceMs) => measure(calls[name]!, sliceMs) }))
  const oneWay = (send: () => void): Contestant[] => [
    { name: skerry, run: (sliceMs) => oneWayRate(send, call, sliceMs) },
    { name: nactDispatch, run: (sliceMs) => oneWayRate(nact.dispatch, nact.query, sliceMs) },
    ...otp.contestant(otpSend, 'send'),
  ]

  collectOnce()
  // Of eleven slices one and the same figure of the same code was up to a third apart from run to run.
  const fine = finer(pace, 5)
  const untimed = [skerry, plainCode, bare, bareMicrotask, nactQuery]
  const sequential = await contest(
    [...each([...untimed, bareTimer], sequentialRate), ...otp.contestant(otpCall, 'call')],
    fine,
  )
  const inFlight = await contest([...each(untimed, inFlightRate100), ...otp.contestant(otpCall, 'call_100')], fine)
  const latency = await contest(each([skerry, bare], sequentialLatency), pace)
  const casts = await contest(
    oneWay(() => ctx.cast(pid, 'note', [1])),
    fine,
  )
  const sends = await contest(
    oneWay(() => ctx.send(pid, 1)),
    fine,
  )
  nact.stop()
  otp.stop()
  await node.stop()

  const oneWayGoals = [
    { compare: '>=', factor: 8, peer: nactDispatch },
    { compare: '>=', factor: 1, peer: otpSend },
  ] as const
  return [
    rowOf(sequential, {
      id: 'kernel/call-sequential',
      quantity: 'local calls, one after another',
      unit: 'calls/s',
      figure: 'rate',
      goals: [
        { compare: '>=', factor: 4, peer: nactQuery },
        { compare: '>=', factor: 1.5, peer: otpCall },
        { compare: '>=', factor: 0.6, peer: bare },
      ],
    }),
    rowOf(inFlight, {
      id: 'kernel/call-100-in-flight',
      quantity: 'local calls, 100 in flight',
      unit: 'calls/s',
      figure: 'rate',
      goals: [{ compare: '>=', factor: 2, peer: otpCall }],
    }),
    rowOf(latency, { id: 'kernel/call-p50', quantity: 'local call, median', unit: 'us', figure: 'p50' }),
    rowOf(latency, { id: 'kernel/call-p99', quantity: 'local call, 99th percentile', unit: 'us', figure: 'p99' }),
    rowOf(casts, {
      id: 'kernel/cast-one-way',
      quantity: 'cast one way, in batches of 1,000',
      unit: 'messages/s',
      figure: 'rate',
      goals: oneWayGoals,
    }),
    rowOf(sends, {
      id: 'kernel/send-one-way',
      quantity: 'send one way, in batches of 1,000',
      unit: 'messages/s',
      figure: 'rate',
      goals: oneWayGoals,
    }),
  ]
}

function bareCall(schedule: Schedule): RoundTrip {
  const mailbox = bareCounter(schedule)
  return () => mailbox.call(1)
}

function bareCounter(schedule: Schedule): BareMailbox {
  let count = 0
  return new BareMailbox((by) => (count += by), schedule)
}

const inFlightRate100 = (roundTrip: RoundTrip, sliceMs: number): Promise<Figures> =>
  inFlightRate(roundTrip, sliceMs, 100)
