import { TestingError } from '../platform/errors.ts'
import type { Trace, TraceEvent, TraceHeader, TraceKind } from './trace-event.ts'

/**
 * A trace as text: the header, then one event a line, each a JSON object with its keys in one fixed order. Equal traces
 * give equal text, so two runs can be compared with `diff`.
 *
 * @example
 * await writeFile('run.jsonl', formatTrace(trace))
 * const same = parseTrace(await readFile('run.jsonl', 'utf8'))
 */
export function formatTrace({ header, events }: Trace): string {
  return [canonicalHeader(header), ...events.map(canonicalEvent)].map((line) => `${JSON.stringify(line)}\n`).join('')
}

/**
 * The trace that {@link formatTrace} wrote. Throws `ERR_BAD_TRACE` naming the first line that can't be: no JSON, a key of
 * the wrong type, an event out of order, or one caused by a later one. Keys it does not know are left out.
 */
export function parseTrace(text: string): Trace {
  const lines = text.split('\n')
  if (lines.at(-1) === '') lines.pop()
  const header = parseHeader(lines[0] ?? '')
  const events = new Array<TraceEvent>(Math.max(0, lines.length - 1))
  let lastUs = 0
  for (let i = 0; i < events.length; i += 1) {
    const event = parseEvent(lines[i + 1] ?? '', i, lastUs)
    events[i] = event
    lastUs = event.t
  }
  return { header, events }
}

const kinds: Readonly<Record<TraceKind, true>> = {
  turn: true,
  timer: true,
  recv: true,
  boot: true,
  step: true,
  send: true,
  drop: true,
  open: true,
  close: true,
  spawn: true,
  exit: true,
  crash: true,
  stop: true,
  fault: true,
  heal: true,
  assert: true,
  op: true,
  log: true,
}

// Values that are undefined are left out by JSON.stringify.
function canonicalHeader({ name, seed, nodes, durationUs, hash, replay, failure }: TraceHeader): object {
  return {
    name,
    seed,
    nodes: nodes.map((node) => ({ name: node.name, region: node.region })),
    durationUs,
    hash,
    replay,
    failure: failure && { invariant: failure.invariant, message: failure.message, t: failure.t, i: failure.i },
  }
}

function canonicalEvent({ i, t, node, kind, cause, peer, msg, until }: TraceEvent): object {
  return { i, t, node, kind, cause, peer, msg, until }
}

function parseHeader(line: string): TraceHeader {
  const found = fieldsOf(line, 1)
  const { nodes, failure } = found
  if (!Array.isArray(nodes)) throw badTrace(1, 'nodes is not a list')
  return {
    name: textField(found, 'name', 1),
    seed: integerField(found, 'seed', 1, Number.MIN_SAFE_INTEGER),
    nodes: nodes.map((node) => {
      const fields = asFields(node, 1)
      return { name: textField(fields, 'name', 1), region: textField(fields, 'region', 1) }
    }),
    durationUs: integerField(found, 'durationUs', 1, 0),
    hash: textField(found, 'hash', 1),
    replay: textField(found, 'replay', 1),
    ...(failure !== undefined && { failure: parseFailure(asFields(failure, 1)) }),
  }
}

function parseFailure(found: Fields): NonNullable<TraceHeader['failure']> {
  return {
    invariant: textField(found, 'invariant', 1),
    message: textField(found, 'message', 1),
    t: integerField(found, 't', 1, 0),
    i: integerField(found, 'i', 1, -1),
  }
}

function parseEvent(text: string, i: number, lastUs: number): TraceEvent {
  const line = i + 2
  const found = fieldsOf(text, line)
  const { kind, peer, msg, until } = found
  if (found['i'] !== i) throw badTrace(line, `i is not ${i}`)
  if (typeof kind !== 'string' || !isKind(kind)) throw badTrace(line, 'kind is unknown')
  const cause = integerField(found, 'cause', line, -1)
  if (cause >= i) throw badTrace(line, 'cause is not an earlier event')
  return {
    i,
    t: integerField(found, 't', line, lastUs),
    node: textField(found, 'node', line),
    kind,
    cause,
    ...(peer !== undefined && { peer: textField(found, 'peer', line) }),
    ...(msg !== undefined && { msg: textField(found, 'msg', line) }),
    ...(until !== undefined && { until: integerField(found, 'until', line, 0) }),
  }
}

function isKind(kind: string): kind is TraceKind {
  return Object.hasOwn(kinds, kind)
}

type Fields = Readonly<Record<string, unknown>>

function fieldsOf(text: string, line: number): Fields {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw badTrace(line, 'it is not JSON')
  }
  return asFields(value, line)
}

function asFields(value: unknown, line: number): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw badTrace(line, 'no object where one is due')
  return value as Fields
}

function textField(fields: Fields, key: string, line: number): string {
  const value = fields[key]
  if (typeof value !== 'string') throw badTrace(line, `${key} is not a string`)
  return value
}

function integerField(fields: Fields, key: string, line: number, min: number): number {
  const value = fields[key]
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < min)
    throw badTrace(line, `${key} is not an integer of at least ${min}`)
  return value
}

function badTrace(line: number, why: string): TestingError {
  return new TestingError('ERR_BAD_TRACE', `Line ${line} of the trace can't be read: ${why}`)
}
