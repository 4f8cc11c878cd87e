import {
  type Contract,
  contract,
  defineApp,
  memoryTransport,
  type Node,
  procedure,
  type ProcedureRef,
  silentLog,
  startNode,
} from '@skerry/core'
import type { StandardSchemaV1 } from '@standard-schema/spec'
import { type } from 'arktype'
import * as v from 'valibot'
import { afterEach, describe, expect, expectTypeOf, it } from 'vitest'
import { z } from 'zod'
import { generateValue, seededDraw } from '../codec/generate-value.ts'
import { showValue } from '../codec/show-value.ts'

type Order = StandardSchemaV1<{ sku: string; quantity: string }, { sku: string; quantity: number }>
type Receipt = StandardSchemaV1<{ id: number }, { id: string }>

/** One contract, written with each library: the quantity is text outside and a number inside, an id the other way. */
function orderOf(library: string, input: Order, output: Receipt): { name: string; order: Contract<Order, Receipt> } {
  return { name: library, order: contract({ name: `${library}.order`, input, output }) }
}

const zodOrder = z.object({ sku: z.string().min(1), quantity: z.string().transform((text) => 2 * Number(text)) })
const zodReceipt = z.object({ id: z.number().transform((id) => `#${id}`) })
const valibotOrder = v.object({
  sku: v.pipe(v.string(), v.minLength(1)),
  quantity: v.pipe(
    v.string(),
    v.transform((text) => 2 * Number(text)),
  ),
})
const valibotReceipt = v.object({
  id: v.pipe(
    v.number(),
    v.transform((id) => `#${id}`),
  ),
})
const arktypeOrder = type({ sku: 'string > 0', quantity: type('string').pipe((text) => 2 * Number(text)) })
const arktypeReceipt = type({ id: type('number').pipe((id) => `#${id}`) })

const libraries = [
  orderOf('zod', zodOrder, zodReceipt),
  orderOf('valibot', valibotOrder, valibotReceipt),
  orderOf('arktype', arktypeOrder, arktypeReceipt),
]

const running: Node[] = []
let hubs = 0

afterEach(async () => {
  await Promise.all(running.splice(0).map((node) => node.stop()))
})

/** A caller in another region than the node that offers these. */
async function callerOf(...procedures: NonNullable<Parameters<typeof defineApp>[0]['procedures']>): Promise<Node> {
  const hub = `schemas-${(hubs += 1)}`
  const start = async (region: string, offered: typeof procedures): Promise<Node> => {
    const app = defineApp({ name: 'schemas', children: [], procedures: offered })
    const transport = memoryTransport({ hub })
    const node = await startNode(app, { region, primaryRegion: 'syd', transport, log: silentLog })
    running.push(node)
    return node
  }
  const server = await start('syd', procedures)
  const caller = await start('lax', [])
  await caller.waitFor(() => procedures.every((one) => caller.isRpcSupported(server.id, one)), 'the procedures')
  return caller
}

describe.each(libraries)('a contract in $name', ({ order }) => {
  it('is applied to input and output, once each, on the server', async () => {
    const seen: unknown[] = []
    const caller = await callerOf(
      order.implement({
        run: (_ctx, input) => {
          seen.push(input)
          return { id: input.quantity }
        },
      }),
    )
    const receipt = await caller.rpcPrimary(order, { sku: 'tea', quantity: '21' })
    expectTypeOf(receipt).toEqualTypeOf<{ id: string }>()
    // Twice would be 84, and '##42'.
    expect(seen).toEqual([{ sku: 'tea', quantity: 42 }])
    expect(receipt).toEqual({ id: '#42' })
  })

  it('refuses what does not fit, as not run, and names the place', async () => {
    const caller = await callerOf(order.implement({ run: () => ({ id: 1 }) }))
    await expect(caller.rpcPrimary(order, { sku: '', quantity: '1' })).rejects.toMatchObject({
      code: 'ERR_INVALID_INPUT',
      outcome: 'not-run',
      message: expect.stringContaining('sku'),
    })
    // @ts-expect-error the quantity is text for a caller
    await expect(caller.rpcPrimary(order, { sku: 'x', quantity: 1 })).rejects.toMatchObject({
      code: 'ERR_INVALID_INPUT',
      outcome: 'not-run',
      message: expect.stringContaining('quantity'),
    })
  })

  it('tells that it ran when its result does not fit', async () => {
    const caller = await callerOf(order.implement({ run: () => ({ id: 'no number' as unknown as number }) }))
    await expect(caller.rpcPrimary(order, { sku: 'tea', quantity: '1' })).rejects.toMatchObject({
      code: 'ERR_INVALID_OUTPUT',
      outcome: 'ran',
      message: expect.stringContaining('id'),
    })
  })

  it('is applied to nothing where that is switched off', async () => {
    const caller = await callerOf(
      order.implement({ validate: false, run: (_ctx, input) => ({ id: input as unknown as number }) }),
    )
    const input = { sku: '', quantity: '1' }
    expect(await caller.rpcPrimary(order, input)).toEqual({ id: input })
  })
})

it('a contract has the types of its schemas, whatever the library', () => {
  const byZod = contract({ name: 'types', input: zodOrder, output: zodReceipt })
  const byValibot = contract({ name: 'types', input: valibotOrder, output: valibotReceipt })
  const byArktype = contract({ name: 'types', input: arktypeOrder, output: arktypeReceipt })
  type Call<C> = C extends ProcedureRef<infer Input, infer Output> ? [Input, Output] : never
  type Expected = [{ sku: string; quantity: string }, { id: string }]
  expectTypeOf<Call<typeof byZod>>().toEqualTypeOf<Expected>()
  expectTypeOf<Call<typeof byValibot>>().toEqualTypeOf<Expected>()
  expectTypeOf<Call<typeof byArktype>>().toEqualTypeOf<Expected>()
})

describe('a schema that throws', () => {
  const broken: StandardSchemaV1<unknown, unknown> = {
    '~standard': {
      version: 1,
      vendor: 'test',
      validate: () => {
        throw new TypeError('a broken schema')
      },
    },
  }
  const sound: StandardSchemaV1<unknown, unknown> = {
    '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value }) },
  }

  it('of the input: the procedure is not run; of the output: it ran', async () => {
    const before = contract({ name: 'before', input: broken, output: sound })
    const after = contract({ name: 'after', input: sound, output: broken })
    let runs = 0
    const run = (): number => (runs += 1)
    const caller = await callerOf(before.implement({ run }), after.implement({ run }))
    const cause = expect.objectContaining({ name: 'TypeError', message: 'a broken schema' })
    const input = { code: 'ERR_INVALID_INPUT', outcome: 'not-run', cause }
    await expect(caller.rpcPrimary(before, 1)).rejects.toMatchObject(input)
    expect(runs).toBe(0)
    await expect(caller.rpcPrimary(after, 1)).rejects.toMatchObject({
      code: 'ERR_INVALID_OUTPUT',
      outcome: 'ran',
      cause,
    })
    expect(runs).toBe(1)
  })
})

describe('what goes to another region and to the own one', () => {
  const echo = procedure({ name: 'echo', run: (_ctx, value: unknown) => value })

  it('comes back as it was, whatever was generated', async () => {
    const caller = await callerOf(echo)
    const local = running[0] as Node
    for (let seed = 1; seed <= 150; seed += 1) {
      const value = generateValue(seededDraw(seed), 4)
      const before = showValue(value)
      for (const node of [caller, local]) {
        const back = showValue(await node.rpcPrimary(echo, value))
        if (back !== before) expect.fail(`seed ${seed}: ${before} came back as ${back}`)
      }
    }
  })

  it('is a copy, in the own region too', async () => {
    await callerOf(echo)
    const value = { list: [1] }
    const back = await (running[0] as Node).rpcPrimary(echo, value)
    expect(back).toEqual(value)
    expect(back).not.toBe(value)
  })

  it('is refused at the caller where it can not be carried, with the path', async () => {
    const caller = await callerOf(echo)
    const order = { lines: [1, 2, 3, { fn: () => 1 }] }
    for (const node of [caller, running[0] as Node]) {
      await expect(node.rpcPrimary(echo, order)).rejects.toMatchObject({
        code: 'ERR_NOT_ENCODABLE',
        outcome: 'not-run',
        message: expect.stringContaining('lines[3].fn'),
      })
    }
  })

  it('reaches procedures only, by no name that objects inherit', async () => {
    const caller = await callerOf(echo)
    const { id } = running[0] as Node
    for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'run', 'echo@1']) {
      await expect(caller.rpc(id, { name, version: 1 }, 1)).rejects.toMatchObject({
        code: 'ERR_NO_PROCEDURE',
        outcome: 'not-run',
      })
    }
  })

  it('changes no prototype, whatever keys it has', async () => {
    const caller = await callerOf(echo)
    const value = JSON.parse('{ "constructor": { "prototype": { "polluted": 1 } }, "toString": 2 }') as unknown
    expect(await caller.rpcPrimary(echo, value)).toEqual(value)
    const hostile = JSON.parse('{ "__proto__": { "polluted": 1 } }') as unknown
    await expect(caller.rpcPrimary(echo, hostile)).rejects.toMatchObject({ code: 'ERR_NOT_ENCODABLE' })
    expect(({} as { polluted?: number }).polluted).toBeUndefined()
  })
})
