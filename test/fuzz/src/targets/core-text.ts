import { formatPid, parsePid } from '../../../../packages/core/dist/actor/pid.js'
import { formatTrace, parseTrace } from '../../../../packages/core/dist/telemetry/w3c.js'
import { type Draw, drawCount, drawText, pick } from '../draw.ts'
import { check, type Target } from '../target.ts'

const utf8 = new TextEncoder()
const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'

/** Texts that peers, or their users, may send: a Pid as it is printed, and the place of a span with its state behind a line's end. */
export const coreTextTarget: Target = {
  name: 'core-text',
  seeds: () =>
    [
      '<n1/1700000000000/0/7>',
      '</////1/2/3>',
      traceparent,
      `${traceparent}\nrojo=00f067aa0ba902b7,congo=t61rcWkgMzE`,
    ].map((text) => utf8.encode(text)),
  generate: (draw: Draw) => {
    const count = (): string => pick(draw, [String(drawCount(draw)), '007', '', drawText(draw)])
    const pid = `<${drawText(draw)}/${count()}/${count()}/${count()}>`
    const states = Array.from({ length: draw(40) }, () => `${drawText(draw)}=${drawText(draw)}`).join(',')
    return utf8.encode(pick(draw, [pid, `${traceparent}\n${states}`, `cc${traceparent.slice(2)}-${drawText(draw)}`]))
  },
  run(input) {
    const text = new TextDecoder().decode(input)
    const pid = parsePid(text)
    if (pid !== undefined) check(parsePid(formatPid(pid)) !== undefined, 'what is read as a Pid is printed as one')
    const [parent = '', ...state] = text.split('\n')
    const span = parseTrace({ traceparent: parent, ...(state.length > 0 && { tracestate: state.join('\n') }) })
    if (span === undefined) return
    check(span.isRemote === true, 'a span of others is a remote one')
    const again = formatTrace(span)
    check(
      again !== undefined && parseTrace(again)?.spanId === span.spanId,
      'the place of a span is handed on as it came',
    )
  },
}
