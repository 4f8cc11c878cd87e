import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { defineApp, silentLog, startNode } from '@skerry/core'
import { describe, expect, it } from 'vitest'

async function run(how: string) {
  const program = fileURLToPath(new URL('../fixtures/blocks-main.mjs', import.meta.url))
  const child = spawn(process.execPath, [program, how], { stdio: ['ignore', 'pipe', 'pipe'] })
  const [out, err, [code, signal]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')])
  return { out, err, code: code as number | null, signal: signal as string | null }
}

describe('the watchdog of the main thread', () => {
  it('names the actor that blocks it, while it does, and logs it afterwards', async () => {
    const { out, err, code } = await run('a while')
    expect(err).toMatch(/the main thread is blocked \{"actor":"<[^"]+> blocker","blockedMs":\d+\}/)
    expect(out).toMatch(/the main thread was blocked \{"actor":"<[^"]+> blocker","blockedMs":\d+\}/)
    expect(code).toBe(0)
  })

  it('kills the process where that is asked for', async () => {
    const { err, signal } = await run('for good')
    expect(err).toContain('the process is killed')
    expect(err).toContain('blocker')
    expect(signal).toBe('SIGKILL')
  })

  it('is refused a time that is too short to tell anything', async () => {
    const app = defineApp({ name: 'hasty', children: [] })
    const refused = startNode(app, { log: silentLog, watchdog: { blockedMs: 1 } })
    await expect(refused).rejects.toMatchObject({ code: 'ERR_BAD_CONFIG' })
  })
})
