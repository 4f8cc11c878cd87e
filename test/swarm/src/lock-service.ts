import { actorName, type Files, genServer, type InitContext, type Pid } from '@skerry/core'

/** A lock that was given: nobody else has it for `leaseMs`, and no other gift has this token. */
export interface Lease {
  readonly token: number
  readonly leaseMs: number
}

interface State {
  token: number
  holder: string | undefined
  /** On the monotonic clock. */
  untilMs: number
}

export const leaseMs = 1_500
const tokenPath = 'lock.token'

/**
 * Gives one lock to one holder at a time. The token grows with each gift and is on the disk before it is told; after a
 * restart the lock stays locked for as long as a lease of the life before could last.
 */
export const lockService = genServer({
  name: 'lockService',
  async init(ctx: InitContext): Promise<State> {
    const token = await readToken(ctx.files)
    return { token, holder: token === 0 ? undefined : 'somebody', untilMs: ctx.clock.monotonic() + leaseMs }
  },
  call: {
    /** `undefined`: somebody has it. */
    async acquire(ctx, holder: string): Promise<Lease | undefined> {
      const { state } = ctx
      if (state.holder !== undefined && ctx.clock.monotonic() < state.untilMs) return undefined
      const token = state.token + 1
      await ctx.files.write(tokenPath, new TextEncoder().encode(String(token)))
      ctx.state = { token, holder, untilMs: ctx.clock.monotonic() + leaseMs }
      onGrant?.({ token, holder, byMs: ctx.clock.monotonic(), by: ctx.self })
      return { token, leaseMs }
    },
    /** Whether it still has it, now for another `leaseMs`. */
    refresh(ctx, token: number): boolean {
      const { state } = ctx
      if (state.holder === undefined || state.token !== token || ctx.clock.monotonic() >= state.untilMs) return false
      state.untilMs = ctx.clock.monotonic() + leaseMs
      return true
    },
    release(ctx, token: number): boolean {
      const { state } = ctx
      if (state.holder === undefined || state.token !== token) return false
      state.holder = undefined
      return true
    },
  },
})

/** Told of each gift, at the moment of it. */
export interface Grant {
  readonly token: number
  readonly holder: string
  readonly byMs: number
  readonly by: Pid
}

let onGrant: ((grant: Grant) => void) | undefined

/** From now on `listener` hears of each gift. */
export function hearGrants(listener: (grant: Grant) => void): void {
  onGrant = listener
}

interface LockProtocol {
  call: {
    acquire(holder: string): Lease | undefined
    refresh(token: number): boolean
    release(token: number): boolean
  }
  cast: Record<never, never>
}
export const lockName = actorName<LockProtocol>('lockService')

const fencePath = 'fence.token'

/** What the lock protects: takes a write only with the newest token that it has seen, on its own disk. */
export const fencedStore = genServer({
  name: 'fencedStore',
  async init(ctx: InitContext): Promise<{ newest: number }> {
    const bytes = await ctx.files.read(fencePath)
    return { newest: bytes === undefined ? 0 : Number(new TextDecoder().decode(bytes)) }
  },
  call: {
    /** Whether it was taken. */
    async write(ctx, token: number, holder: string): Promise<boolean> {
      if (token < ctx.state.newest) return false
      if (token > ctx.state.newest) await ctx.files.write(fencePath, new TextEncoder().encode(String(token)))
      ctx.state.newest = token
      onWrite?.(token, holder)
      return true
    },
  },
})

let onWrite: ((token: number, holder: string) => void) | undefined

/** From now on `listener` hears of each write that was taken. */
export function hearWrites(listener: (token: number, holder: string) => void): void {
  onWrite = listener
}

interface FencedProtocol {
  call: { write(token: number, holder: string): boolean }
  cast: Record<never, never>
}
export const fencedName = actorName<FencedProtocol>('fenced')

async function readToken(files: Files): Promise<number> {
  const bytes = await files.read(tokenPath)
  return bytes === undefined ? 0 : Number(new TextDecoder().decode(bytes))
}
