import { actorName, child, defineApp, genServer, type InitContext, type ServerContext, procedure } from '@skerry/core'
import { type Client, defineSimulation, linearizable } from '@skerry/testing'

/** What is asked of one key. */
export interface RegisterInput {
  readonly key: string
  readonly op: 'read' | 'write' | 'cas'
  readonly expected?: number
  readonly value?: number
}

interface RegisterProtocol {
  call: { apply(input: RegisterInput): number | boolean }
  cast: Record<never, never>
}
const registersName = actorName<RegisterProtocol>('registers')
const keys = ['x', 'y', 'z']

/** Holds a number for each key, in a file of its own, 0 at first. It answers when the disk has it. */
const registers = genServer({
  name: 'registers',
  async init(ctx: InitContext): Promise<Map<string, number>> {
    const values = new Map<string, number>()
    for (const key of keys) {
      const bytes = await ctx.files.read(key)
      values.set(key, bytes === undefined ? 0 : Number(new TextDecoder().decode(bytes)))
    }
    return values
  },
  call: {
    async apply(ctx, { key, op, expected, value = 0 }: RegisterInput): Promise<number | boolean> {
      const before = ctx.state.get(key) ?? 0
      if (op === 'read') return before
      if (op === 'cas' && before !== expected) return false
      await store(ctx, key, value)
      return true
    },
  },
})

async function store(ctx: ServerContext<Map<string, number>>, key: string, value: number): Promise<void> {
  // Either side of the write the node may crash.
  await new Promise<void>((resolve) => ctx.clock.after(1, resolve))
  await ctx.files.write(key, new TextEncoder().encode(String(value)))
  await new Promise<void>((resolve) => ctx.clock.after(1, resolve))
  ctx.state.set(key, value)
}

const apply = procedure({
  name: 'register.apply',
  run: (ctx, input: RegisterInput): Promise<number | boolean> => ctx.call(registersName, 'apply', [input]),
})

/**
 * Registers with one owner in the primary region, read, written and swapped from everywhere: what the clients see is as
 * if each operation had happened at one moment between its call and its answer.
 */
export const register = defineSimulation({
  name: 'register',
  app: ({ region }) =>
    defineApp({
      name: 'register',
      children: region === 'syd' ? [child('registers', registers, [], { register: registersName })] : [],
      procedures: region === 'syd' ? [apply] : [],
    }),
  regions: { syd: 1, lax: 2, fra: 1 },
  primary: 'syd',
  durationMs: 20_000,
  healMs: 30_000,
  faults: 'all',
  workload: (sim) => sim.clients(6, useRegister, { thinkMs: [20, 400], opsMax: 60 }),
  invariants: [linearizable('register')],
})

async function useRegister(client: Client): Promise<void> {
  const draw = client.random.fork('register')
  const key = keys[draw.int(keys.length)] as string
  const op = (['read', 'read', 'write', 'cas'] as const)[draw.int(4)] as RegisterInput['op']
  const input: RegisterInput = {
    key,
    op,
    ...(op === 'cas' && { expected: draw.int(4) }),
    ...(op !== 'read' && { value: draw.int(4) }),
  }
  await client.rpcPrimary(apply, input, { timeoutMs: 200 + draw.int(3_000) })
}
