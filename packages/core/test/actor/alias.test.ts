import type { CallError } from '@skerry/core'
import { describe, expect } from 'vitest'
import { type PlayerContext, type PlayerPid, type PlayerProtocol, usePlaces } from '../fixtures/places.ts'
import { downMessage, exitMessage } from '../fixtures/puppet.ts'

describe('an alias', () => {
  const { row } = usePlaces()

  row(
    'L15',
    'is an address until it is released; what is queued stays, later ones are dropped',
    async ({ near, far, counted }) => {
      const [other, asker] = [await near(), await far()]
      const alias = await asker.do((ctx) => {
        const made = ctx.alias<PlayerProtocol>()
        ctx.state.notes['alias'] = made
        return made.pid
      })
      await other.do((ctx, pid) => (ctx.send(pid, 'first'), ctx.cast(pid, 'note', ['second'])), alias)
      expect([await asker.next(), await asker.next()]).toEqual(['first', 'second'])
      const released = asker.do(async (ctx) => {
        await ctx.state.queued(1)
        ;(ctx.state.notes['alias'] as { release(): void }).release()
      })
      await other.do((ctx, pid) => ctx.send(pid, 'third'), alias)
      await released
      const before = await counted('deadLetters')
      const code = await other.do((ctx, pid) => {
        ctx.send(pid, 'never')
        return ctx.call(pid, 'waiting', []).catch((error: CallError) => error.code)
      }, alias)
      expect(code).toBe('ERR_NOPROC')
      expect(await asker.next()).toBe('third')
      expect([await asker.waitingAfter(other), await counted('deadLetters')]).toEqual([0, before + 1])
    },
  )

  row('L15', 'takes no calls, links or monitors, and ends with its actor', async ({ near, far, counted }) => {
    const [other, asker] = [await near({ trapExit: true }), await far()]
    const alias = await asker.do((ctx) => ctx.alias<PlayerProtocol>().pid)
    const monitor = await other.do((ctx, pid) => ctx.monitor(pid), alias)
    expect(await other.next()).toEqual(downMessage(monitor, 'noproc'))
    await other.do((ctx, pid) => ctx.link(pid), alias)
    expect(await other.next()).toEqual(exitMessage(alias, 'noproc'))
    const call = (ctx: PlayerContext, pid: PlayerPid): Promise<unknown> =>
      ctx.call(pid, 'waiting', []).catch(({ code, outcome }: CallError) => ({ code, outcome }))
    expect(await other.do(call, alias)).toEqual({ code: 'ERR_NOPROC', outcome: 'not-run' })
    const { ended } = asker
    asker.begin((ctx) => ctx.exit(ctx.self, 'normal'))
    await ended
    const before = await counted('deadLetters')
    await other.do((ctx, pid) => {
      ctx.send(pid, 'late')
      return ctx.call(pid, 'waiting', []).catch(() => undefined)
    }, alias)
    expect(await counted('deadLetters')).toBe(before + 1)
  })
})
