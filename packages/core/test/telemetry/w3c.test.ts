import { baggageEntryMetadataFromString, propagation, TraceFlags } from '@opentelemetry/api'
import { describe, expect, it } from 'vitest'
import { formatBaggage, formatTrace, parseBaggage, parseTrace } from '../../src/telemetry/w3c.ts'

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736'
const spanId = '00f067aa0ba902b7'

describe('a place in a trace', () => {
  it.each([TraceFlags.NONE, TraceFlags.SAMPLED])('is read as it was written, with flags %i', (traceFlags) => {
    const traceparent = `00-${traceId}-${spanId}-0${traceFlags}`
    expect(formatTrace({ traceId, spanId, traceFlags })).toStrictEqual({ traceparent })
    expect(parseTrace({ traceparent })).toStrictEqual({ traceId, spanId, traceFlags, isRemote: true })
  })

  it('takes what tracing systems add along', () => {
    const place = { traceparent: `00-${traceId}-${spanId}-01`, tracestate: 'a=b,c=d' }
    const span = parseTrace(place)
    expect(span?.traceState?.get('c')).toBe('d')
    expect(formatTrace(span)).toStrictEqual(place)
  })

  it('may be of a later version, which may have more to say', () => {
    expect(parseTrace({ traceparent: `01-${traceId}-${spanId}-01-more` })).toMatchObject({ traceId, spanId })
  })

  it.each([
    `00-${traceId}-${spanId}-01-more`,
    `ff-${traceId}-${spanId}-01`,
    `00-${'0'.repeat(32)}-${spanId}-01`,
    `00-${traceId}-${'0'.repeat(16)}-01`,
    `00-${traceId.toUpperCase()}-${spanId}-01`,
    `00-${traceId}-${spanId}`,
    '',
  ])('is none in %j', (traceparent) => {
    expect(parseTrace({ traceparent })).toBeUndefined()
  })

  it('is none of a span that no tracer made', () => {
    expect(formatTrace(undefined)).toBeUndefined()
    expect(formatTrace({ traceId: '0'.repeat(32), spanId, traceFlags: 1 })).toBeUndefined()
  })
})

describe('baggage', () => {
  it('is read as it was written', () => {
    const metadata = baggageEntryMetadataFromString('since=monday;old')
    const baggage = propagation.createBaggage({ 'a b': { value: 'ä,;= %', metadata }, empty: { value: '' } })
    const text = formatBaggage(baggage)
    expect(text).toBe('a%20b=%C3%A4%2C%3B%3D%20%25;since=monday;old,empty=')
    const read = parseBaggage(text)
      ?.getAllEntries()
      .map(([key, { value, metadata: its }]) => [key, value, its?.toString()])
    expect(read).toStrictEqual([
      ['a b', 'ä,;= %', 'since=monday;old'],
      ['empty', '', undefined],
    ])
  })

  it('is written without what can not be', () => {
    const lone = '\ud800'
    const entries = { [lone]: { value: 'a' }, b: { value: lone }, c: { value: 'd' } }
    expect(formatBaggage(propagation.createBaggage(entries))).toBe('c=d')
  })

  it('has no member for what is none, and what it has is no part of an object', () => {
    const read = parseBaggage(' a = 1 ; x , =2, b, %=3, c=%, __proto__=4, d=5')
    expect(read?.getAllEntries().map(([key, { value }]) => [key, value])).toEqual([
      ['a', '1'],
      ['__proto__', '4'],
      ['d', '5'],
    ])
    expect(parseBaggage('')).toBeUndefined()
    expect(parseBaggage(',;,')).toBeUndefined()
  })
})
