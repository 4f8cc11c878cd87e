import { createContext, runInContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import { RuntimeError } from '../../src/base/runtime-error.ts'
import { CodecError } from '../../src/codec/errors.ts'
import { msgpackCodec } from '../../src/codec/msgpack-codec.ts'
import { generateValue, seededDraw } from './generate-value.ts'
import { showValue } from './show-value.ts'

const codec = msgpackCodec()

function refusal(value: unknown, name?: string): CodecError {
  try {
    codec.encode(value, name)
  } catch (error) {
    if (error instanceof CodecError) return error
    throw error
  }
  throw new Error('it was encoded')
}

describe('what it carries', () => {
  const values: Record<string, unknown> = {
    null: null,
    undefined: undefined,
    'undefined as a property': { a: undefined, b: 1 },
    'undefined as an element': [undefined, 1],
    booleans: [true, false],
    'odd numbers': [0, -0, NaN, Infinity, -Infinity, Number.MAX_SAFE_INTEGER + 2, 5e-324],
    'small and large bigints': [
      0n,
      -1n,
      2n ** 63n - 1n,
      2n ** 63n,
      -(2n ** 63n) - 1n,
      2n ** 64n,
      7n ** 40_000n,
      -(7n ** 40_000n),
    ],
    'lone surrogates': ['\ud800', 'x'.repeat(100) + '\udc00'],
    'a leading byte-order mark': ['\ufeffx', '\ufeff' + 'x'.repeat(200)],
    'a byte-order mark before a key': { '\ufeffid': 1 },
    'long text': 'ü😀'.repeat(40_000),
    dates: [new Date(0), new Date(1.7e12 + 1), new Date(-1), new Date(8.64e15), new Date(-8.64e15), new Date(NaN)],
    'a map with keys of all kinds': new Map<unknown, unknown>([
      [1, 'a'],
      ['1', 'b'],
      [{ k: 1 }, new Map([[null, -0]])],
      [NaN, 0],
    ]),
    'an empty map beside an empty object': [new Map(), {}],
    'a set': new Set([1, '1', new Set([undefined]), '\ud800']),
    'views of buffers': [
      new Uint8Array([1, 2, 3]).subarray(1),
      new Float64Array([1.5]),
      new BigUint64Array([2n ** 64n - 1n]),
    ],
    'array buffers': [new ArrayBuffer(0), new Uint8Array(70_000).fill(7).buffer],
    'a URL': new URL('https://user@example.org:8443/a?b=c#d'),
    'keys that Object.prototype has': { constructor: 1, hasOwnProperty: 2, toString: 3, toJSON: 4, prototype: 5 },
    'more keys than 16 bits count': Object.fromEntries(
      Array.from({ length: 70_000 }, (_, index) => [`k${index}`, index]),
    ),
  }
  for (const [what, value] of Object.entries(values)) {
    it(what, () => expect(showValue(codec.decode(codec.encode(value)))).toBe(showValue(value)))
  }

  it('errors, with name, message, code, stack and causes, as Error', () => {
    const error = new RuntimeError('ERR_X', 'broken', {
      cause: new TypeError('inner \ud800', { cause: 'thrown text' }),
    })
    const back = codec.decode(codec.encode({ error })) as { error: Error & { code: string } }
    expect(back.error).toBeInstanceOf(Error)
    expect(back.error).toMatchObject({ name: 'RuntimeError', message: 'broken', code: 'ERR_X', stack: error.stack })
    expect(back.error.cause).toMatchObject({
      name: 'TypeError',
      message: 'inner \ud800',
      stack: (error.cause as Error).stack,
    })
    expect((back.error.cause as Error).cause).toMatchObject({ name: 'NonError', message: 'thrown text' })
  })

  it('an error that is its own cause, cut, and one that poses as error data', () => {
    const error = new Error('loop')
    error.cause = error
    expect(codec.decode(codec.encode(error))).toMatchObject({ message: 'loop' })
    const posing = Object.assign(new Error('posing'), { type: 'error', fn() {} })
    expect(codec.decode(codec.encode(posing))).toMatchObject({ message: 'posing' })
  })

  it('a null-prototype object as a plain one, and a Buffer as bytes', () => {
    const bare = Object.assign(Object.create(null), { a: 1, constructor: 2 })
    expect(showValue(codec.decode(codec.encode(bare)))).toBe('{"a":1,"constructor":2}')
    expect(showValue(codec.decode(codec.encode([Buffer.from('ab'), Buffer.alloc(70_000)])))).toContain(
      '[Uint8Array(97,98),',
    )
  })

  it('a shared part as two equal parts', () => {
    const part = { a: 1 }
    const [one, other] = codec.decode(codec.encode([part, part])) as [unknown, unknown]
    expect(one).toEqual(other)
    expect(one).not.toBe(other)
  })

  it('anything generated, and leaves it unchanged', { timeout: 60_000 }, () => {
    for (let seed = 1; seed <= 1500; seed += 1) {
      const value = generateValue(seededDraw(seed), 4)
      const before = showValue(value)
      const back = showValue(codec.decode(codec.encode(value)))
      if (back !== before || showValue(value) !== before) expect.fail(`seed ${seed}: ${before} came back as ${back}`)
    }
  })
})

describe('what it refuses, and where it says that it is', () => {
  class Account {}
  const throws = {
    get total(): number {
      throw new Error('no total')
    },
  }
  const trap = new Proxy(
    {},
    {
      getPrototypeOf: () => {
        throw new Error('trapped')
      },
    },
  )
  const keyTrap = new Proxy(
    {},
    {
      ownKeys: () => {
        throw new Error('trapped')
      },
    },
  )
  const cases: [what: string, value: unknown, path: string, reason: RegExp][] = [
    ['a function', { lines: [0, 1, 2, { fn() {} }] }, 'order.lines[3].fn', /function/],
    ['a function at the top', () => 1, 'order', /function/],
    ['a symbol', [Symbol('x')], 'order[0]', /symbol/],
    ['an instance of a class', { account: new Account() }, 'order.account', /instance of Account/],
    ['an array of a class', { list: new (class List extends Array {})() }, 'order.list', /instance of List/],
    ['a promise', { later: Promise.resolve() }, 'order.later', /instance of Promise/],
    ['a weak map', { weak: new WeakMap() }, 'order.weak', /WeakMap/],
    ['a regular expression', [/x/], 'order[0]', /RegExp/],
    ['a data view', [new DataView(new ArrayBuffer(1))], 'order[0]', /DataView/],
    ['shared memory', [new SharedArrayBuffer(1)], 'order[0]', /SharedArrayBuffer/],
    ['a boxed primitive', [Object('x')], 'order[0]', /String/],
    ['what only inherits from Date', [Object.create(Date.prototype)], 'order[0]', /threw/],
    ['a getter that throws', { sum: throws }, 'order.sum.total', /no total/],
    ['a proxy that throws', { a: trap }, 'order.a', /trapped/],
    ['a proxy that throws for its keys', { a: keyTrap }, 'order.a', /trapped/],
    ['a hole', { lines: Object.assign([1], { 2: 3 }) }, 'order.lines[1]', /hole/],
    ['a huge sparse array', Object.assign([], { length: 2 ** 32 - 1 }), 'order', /bytes/],
    ['the key __proto__', JSON.parse('{"a":{"__proto__":{"x":1}}}'), 'order.a.__proto__', /prototype/],
    ['a key with a lone surrogate', { ['\ud800']: 1 }, 'order["\\ud800"]', /surrogate/],
    ['a value in a map', new Map([['tea', () => 1]]), 'order.get("tea")', /function/],
    [
      'a key of a map',
      new Map<unknown, number>([
        [1, 1],
        [() => 1, 2],
      ]),
      'order.keys()[1]',
      /function/,
    ],
    ['a value under an object key', new Map([[{}, { f() {} }]]), 'order.values()[0].f', /function/],
    ['an item of a set', new Set([1, () => 1]), 'order.values()[1]', /function/],
    ['a key that is no identifier', { 'a-b': { 1: () => 1 } }, 'order["a-b"]["1"]', /function/],
  ]
  for (const [what, value, path, reason] of cases) {
    it(what, () => {
      const error = refusal(value, 'order')
      expect(error.code).toBe('ERR_NOT_ENCODABLE')
      expect(error.path).toBe(path)
      expect(error.message).toMatch(reason)
      expect(error.message).toContain(path)
    })
  }

  it('keeps what a getter threw as the cause', () => {
    expect(refusal(throws).cause).toMatchObject({ message: 'no total' })
    expect(refusal(throws).path).toBe('value.total')
  })

  it('a cycle, where it closes', () => {
    const order: Record<string, unknown> = { lines: [{}] }
    ;(order.lines as Record<string, unknown>[])[0]!.order = new Map([['back', order]])
    const error = refusal(order, 'order')
    expect(error.path).toBe('order.lines[0].order.get("back")')
    expect(error.message).toMatch(/cycle/)
  })

  it('what nests too deep, though not what just fits', () => {
    const nest = (levels: number): unknown => (levels === 0 ? 1 : [nest(levels - 1)])
    expect(showValue(codec.decode(codec.encode(nest(64))))).toBe(showValue(nest(64)))
    const error = refusal(nest(65))
    expect(error.message).toMatch(/deeper than 64/)
    expect(error.path).toBe(`value${'[0]'.repeat(64)}`)
  })

  it('parts shared so often that the whole would never end', () => {
    let value: unknown = 'x'
    for (let level = 0; level < 60; level += 1) value = [value, value, value]
    expect(refusal(value).message).toMatch(/bytes|objects/)
  })

  it('an error thrown inside the packer leaves it usable', () => {
    let reads = 0
    const changes = { get a(): unknown { return reads++ === 0 ? 1 : Symbol('late') } } // prettier-ignore
    expect(refusal(changes).code).toBe('ERR_NOT_ENCODABLE')
    expect(codec.decode(codec.encode([1]))).toEqual([1])
  })

  it('instances from another realm', () => {
    expect(refusal(runInContext('new (class Foreign {})()', createContext({}))).code).toBe('ERR_NOT_ENCODABLE')
  })
})

describe('limits', () => {
  const small = msgpackCodec({ bytesMax: 100, depthMax: 4, objectsMax: 5 })
  const fits: Record<string, unknown> = {
    bytes: 'x'.repeat(98),
    depth: [[[{ a: 1 }]]],
    'depth of maps and sets': [new Map([[1, new Set([[]])]])],
    'depth of a tagged leaf': [[[-0]]],
    objects: [[], [], {}, new Date(1)],
    'objects that are tagged': ['\ud800', -0, new URL('a:b')],
  }
  for (const [what, value] of Object.entries(fits)) {
    it(`lets just enough ${what} through on both sides`, () => {
      expect(showValue(small.decode(small.encode(value)))).toBe(showValue(value))
    })
  }
  const exceeds: Record<string, unknown> = {
    bytes: 'x'.repeat(99),
    'bytes as UTF-8': 'ü'.repeat(50),
    'bytes of a view': new Uint8Array(100),
    'bytes of a bigint': 2n ** 800n,
    depth: [[[[1, []]]]],
    'depth of a tagged leaf': [[[[-0]]]],
    'depth of an error': [[[new Error('x', { cause: new Error('y') })]]],
    objects: [[], [], [], [], []],
    'objects that are dates': [new Date(0), new Date(0), new Date(0), new Date(0), new Date(0)],
  }
  for (const [what, value] of Object.entries(exceeds)) {
    it(`refuses too much ${what} on both sides`, () => {
      expect(() => small.encode(value)).toThrow(expect.objectContaining({ code: 'ERR_NOT_ENCODABLE' }))
      const bytes = codec.encode(value)
      expect(() => small.decode(bytes)).toThrow(expect.objectContaining({ code: 'ERR_NOT_DECODABLE' }))
    })
  }

  it('whatever encodes under a limit decodes under it', { timeout: 60_000 }, () => {
    let encoded = 0
    for (let seed = 1; seed <= 1500; seed += 1) {
      const draw = seededDraw(seed)
      const bounded = msgpackCodec({
        bytesMax: 20 + draw(500),
        depthMax: 1 + draw(6),
        objectsMax: 1 + draw(12),
        valuesMax: draw(40),
      })
      const value = generateValue(draw, 4)
      let bytes: Uint8Array
      try {
        bytes = bounded.encode(value)
      } catch (error) {
        expect(error).toMatchObject({ code: 'ERR_NOT_ENCODABLE' })
        continue
      }
      encoded += 1
      if (showValue(bounded.decode(bytes)) !== showValue(value)) expect.fail(`seed ${seed}`)
    }
    expect(encoded).toBeGreaterThan(300)
  })
})

describe('bytes', () => {
  it('own their memory, and are not overwritten by the next value', () => {
    const first = codec.encode({ text: 'first' })
    const kept = first.slice()
    for (let index = 0; index < 2000; index += 1) codec.encode({ text: `later ${index}`, bulk: 'x'.repeat(index) })
    codec.encode(new Uint8Array(1_000_000))
    expect(first).toEqual(kept)
    expect(first.buffer.byteLength).toBe(first.length)
    expect(Object.getPrototypeOf(first)).toBe(Uint8Array.prototype)
  })

  it('are neither changed nor pointed into by what they decode to', () => {
    for (const size of [3, 100_000]) {
      const bytes = codec.encode({
        body: new Uint8Array(size).fill(1),
        raw: new Uint8Array(size).fill(1).buffer,
        text: 'a',
      })
      const kept = bytes.slice()
      const back = codec.decode(bytes) as { body: Uint8Array; raw: ArrayBuffer }
      back.body.fill(9)
      new Uint8Array(back.raw).fill(9)
      expect(Reflect.ownKeys(bytes).length).toBe(bytes.length)
      expect(Buffer.compare(bytes, kept)).toBe(0)
      bytes.fill(5)
      expect(back.body.every((byte) => byte === 9)).toBe(true)
    }
  })

  it('may lie anywhere in a larger buffer', () => {
    const bytes = codec.encode(['somewhere', 2 ** 40, new Uint16Array([1, 2])])
    const large = new Uint8Array(10_000)
    large.set(bytes, 4321)
    expect(codec.decode(large.subarray(4321, 4321 + bytes.length))).toEqual([
      'somewhere',
      2 ** 40,
      new Uint16Array([1, 2]),
    ])
  })

  it('encoding inside a getter of a value being encoded does not disturb it', () => {
    const value = {
      before: 'x',
      get inner() {
        return codec.encode(['inner', -0])
      },
      after: [1n],
    }
    const back = codec.decode(codec.encode(value)) as { before: string; inner: Uint8Array; after: unknown }
    expect(back).toMatchObject({ before: 'x', after: [1n] })
    expect(codec.decode(back.inner)).toEqual(['inner', -0])
  })
})
