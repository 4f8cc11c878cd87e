import { CallError } from '../../../../packages/core/dist/actor/errors.js'
import { type ExitReason, isCleanExit, printReason } from '../../../../packages/core/dist/actor/exit-reason.js'
import type { Failure, Signal } from '../../../../packages/core/dist/actor/signal.js'
import { msgpackCodec } from '../../../../packages/core/dist/codec/msgpack-codec.js'
import { describeFrame } from '../../../../packages/core/dist/mesh/describe-frame.js'
import {
  decodeNotice,
  decodeSignal,
  encodeNotice,
  encodeSignal,
  orderKey,
} from '../../../../packages/core/dist/mesh/frame.js'
import { exitFailure } from '../../../../packages/core/dist/rpc/exit-failure.js'
import { type Draw, drawBytes, drawCount, drawText, pick } from '../draw.ts'
import { joined } from '../mutate.ts'
import { isSameValue } from '../same-value.ts'
import { check, checkOrdinary, type Target, unlessRefused } from '../target.ts'
import { generatePacked, packedErrorData, text } from './generate-packed.ts'

const codec = msgpackCodec()
const peer = { node: 'peer', life: 5, region: 'syd', roles: ['worker'] }
const here = { node: 'here', life: 7 }
const refusals = ['ERR_BAD_FRAME', 'ERR_NOT_DECODABLE']

/** Signals and notices of another node, and what is done with the failures and exit reasons in them. */
export const frameTarget: Target = {
  name: 'frame',
  seeds: () => [...realSignals().map((signal) => encodeSignal(signal, codec)), ...realNotices.map(encodeNotice)],
  generate: (draw) => {
    const start = joined(
      Uint8Array.of(1 + draw(18)),
      ...Array.from({ length: 2 + draw(4) }, () => grouped(drawCount(draw))),
    )
    if (draw(2) === 0) return joined(start, generatePacked(draw))
    // exit, down, cancel and a failed reply: what a peer says of an end.
    const kind = pick(draw, [4, 7, 10, 12])
    const numbers = Uint8Array.of(kind, 0, draw(9), ...(kind === 4 ? [draw(9), 0] : [0, draw(9)]))
    const more = kind === 7 || kind === 10 ? Uint8Array.of(draw(2)) : new Uint8Array(0)
    return joined(
      numbers,
      more,
      pick(draw, [packedErrorData, (one: Draw) => text(drawText(one)), generatePacked])(draw),
    )
  },
  run(input) {
    check(typeof orderKey(input) === 'string', 'every frame has an order key')
    check(describeFrame(input).length <= 100, 'a caption is short')
    const notice = unlessRefused(refusals, () => decodeNotice(input))
    if (notice !== undefined) {
      check(isSameValue(decodeNotice(encodeNotice(notice)), notice), 'a notice is encoded as it was decoded')
    }
    const signal = unlessRefused(refusals, () => decodeSignal(input, peer, here, codec))
    if (signal === undefined) return
    checkOrdinary(signal)
    check(signal.to.node === 'here', 'a signal of a peer is for this node')
    check(!('from' in signal) || signal.from.node === 'peer', 'a signal of a peer is from that peer')
    if ('reason' in signal) useReason(signal.reason)
    if (signal.type === 'reply' && !signal.result.ok) useFailure(signal.result.failure)
    const again = unlessRefused(['ERR_NOT_ENCODABLE'], () => encodeSignal(signal, codec))
    if (again === undefined) return
    check(isSameValue(decodeSignal(again, peer, here, codec), signal), 'a signal is encoded as it was decoded')
  },
}

/** All that a node does with an exit reason, whoever it is from. */
function useReason(reason: ExitReason): void {
  check(typeof printReason(reason) === 'string', 'a reason is printed')
  check(typeof isCleanExit(reason) === 'boolean', 'a reason is clean or not')
  useFailure(exitFailure(reason))
}

function useFailure(failure: Failure): void {
  check(new CallError(failure).code === failure.code, 'a failure is thrown as what it is')
}

function grouped(value: number): Uint8Array {
  const bytes: number[] = []
  let rest = value
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80)
  return Uint8Array.of(...bytes, rest)
}

const realNotices = [{ type: 'threadDown', thread: 3 }, { type: 'draining' }, { type: 'drainingHeard' }] as const

function realSignals(): Signal[] {
  const to = { ...here, thread: 0, serial: 9 }
  const from = { node: 'peer', life: 5, thread: 2, serial: 300 }
  const error = { type: 'error', name: 'E', message: 'm', code: 'ERR_E', stack: 's' } as const
  const trace = {
    traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    tracestate: 'a=b',
    baggage: 'c=d',
  }
  const request = {
    procedure: 'orders.create',
    version: 2,
    timeLeftMs: 5_000,
    idempotencyKey: 'key',
    callerRegion: 'syd',
    callerRoles: ['worker'],
    input: codec.encode({ sku: 'tea' }),
  }
  const stream = { items: 16, bytes: 65_536, silentMs: 10_000, hasIncoming: true }
  const body = codec.encode([1, 'two'])
  const failure = { code: 'ERR_NO_HANDLER', outcome: 'not-run', message: 'no', reason: error, cause: error } as const
  return [
    { type: 'message', to, message: body, encoded: true },
    { type: 'cast', to, name: 'add', args: body, encoded: true },
    { type: 'call', to, from, ref: 70_000, name: 'get', trace, args: body, encoded: true },
    { type: 'reply', to, ref: 1, result: { ok: true, value: body, encoded: true, token: 't' } },
    { type: 'reply', to, ref: 1, result: { ok: false, failure }, served: { queueMs: 1, runMs: 2.5 } },
    { type: 'link', to, from },
    { type: 'unlink', to, from },
    { type: 'exit', to, from, viaLink: true, reason: error },
    { type: 'exit', to, from, viaLink: false, reason: { type: 'shutdown' } },
    { type: 'monitor', to, from, ref: 4 },
    { type: 'demonitor', to, from, ref: 4 },
    { type: 'down', to, from, ref: 4, reason: 'normal' },
    { type: 'spawn', to, from, request },
    { type: 'spawn', to, from, request: { ...request, idempotencyKey: undefined, isCast: true } },
    { type: 'spawn', to, from, request: { ...request, trace, stream } },
    { type: 'cancel', to, from, reason: 'timeout' },
    { type: 'item', to, from, seq: 5, item: drawBytes(() => 7, 7) },
    { type: 'credit', to, from, items: 16, bytes: 65_536 },
    { type: 'itemsEnd', to, from },
  ]
}
