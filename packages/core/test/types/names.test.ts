import { actor, actorName, child, type Context, genServer, type Node } from '@skerry/core'
import { describe, it } from 'vitest'

// Checked by the compiler: what must be refused stands under an expected error. The functions are never called.

declare const ctx: Context
declare const node: Node

interface Store {
  call: { get(key: string): string | undefined; later(key: string): Promise<string> }
  cast: { put(key: string, value: string): void }
}
const store = actorName<Store>('store')

const whole = genServer({
  name: 'whole',
  init: () => new Map<string, string>(),
  call: {
    get: (c, key: string) => c.state.get(key),
    later: (_c, key: string) => key,
    size: (c) => c.state.size,
  },
  cast: { put: (c, key: string, value: string) => void c.state.set(key, value), clear: (c) => c.state.clear() },
})

describe('a typed name', () => {
  it('is borne by a server that has more than the name says, and any server bears an untyped one', () => {
    void (() => [
      child('store', whole, [], { register: store }),
      ctx.start(whole, [], { register: store }),
      ctx.spawn(whole, [], { register: store }),
      node.start(whole, [], { register: store }),
      child('store', whole, [], { register: actorName('untyped') }),
      node.start(actor({ name: 'bare', run: () => undefined }), [], { register: actorName('untyped') }),
    ])
  })

  it('is not borne by a server that lacks a call, a cast, or differs in one', () => {
    const noCast = genServer({
      name: 'noCast',
      init: () => 0,
      call: { get: (_c, key: string) => key, later: (_c, key: string) => key },
    })
    const noCall = genServer({
      name: 'noCall',
      init: () => 0,
      call: { get: (_c, key: string) => key },
      cast: { put: (_c, _key: string, _value: string) => undefined },
    })
    const otherArgument = genServer({
      name: 'otherArgument',
      init: () => 0,
      call: { get: (_c, key: number) => String(key), later: (_c, key: string) => key },
      cast: { put: (_c, _key: string, _value: string) => undefined },
    })
    const otherAnswer = genServer({
      name: 'otherAnswer',
      init: () => 0,
      call: { get: (_c, key: string) => key.length, later: (_c, key: string) => key },
      cast: { put: (_c, _key: string, _value: string) => undefined },
    })
    void (() => [
      // @ts-expect-error no put
      child('store', noCast, [], { register: store }),
      // @ts-expect-error no later
      child('store', noCall, [], { register: store }),
      // @ts-expect-error get takes a number
      child('store', otherArgument, [], { register: store }),
      // @ts-expect-error get answers a number
      child('store', otherAnswer, [], { register: store }),
      // @ts-expect-error no put
      ctx.start(noCast, [], { register: store }),
      // @ts-expect-error no put
      ctx.spawn(noCast, [], { register: store }),
      // @ts-expect-error no put
      node.start(noCast, [], { register: store }),
    ])
  })
})
