import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { actor, defineApp, silentLog, startNode, systemPlatform } from '@skerry/core'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { startManualNode } from '../fixtures/manual-node.ts'
import { startPuppet } from '../fixtures/puppet.ts'
import { writer } from '../fixtures/thread-actors.mjs'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

let root: string

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'skerry-node-files-'))
})
afterEach(() => rmSync(root, { recursive: true }))

describe("a node's files", () => {
  it('[thread] are below the root that the platform was given, on threads of their own too', async () => {
    const platform = systemPlatform({ log: silentLog, filesRoot: root })
    const node = await startNode(defineApp({ name: 'files', children: [] }), { platform })
    const pid = await node.start(writer, [], { thread: 'own' })
    await node.call(pid, 'append', ['log', 'from a thread'])
    expect(readFileSync(join(root, 'log'), 'utf8')).toBe('from a thread')
    await expect(node.call(pid, 'append', ['../log', 'x'])).rejects.toMatchObject({
      reason: { name: 'FilesError', code: 'ERR_BAD_PATH' },
    })
    const puppet = await startPuppet(node)
    await puppet.do((ctx) => ctx.files.append('log', bytes(', from main')))
    expect(readFileSync(join(root, 'log'), 'utf8')).toBe('from a thread, from main')
    await node.stop()
  })

  it('are not written by a handler that goes on after the end of its actor', async () => {
    const { node, platform, settled } = await startManualNode()
    let goOn = (): void => undefined
    const waits = new Promise<void>((resolve) => (goOn = resolve))
    const said: string[] = []
    const zombie = actor({
      name: 'zombie',
      async run(ctx) {
        await ctx.files.write('owner', bytes('first'))
        const { files } = ctx
        await waits
        said.push('goes on')
        await files.write('owner', bytes('zombie'))
        said.push('wrote')
      },
    })
    const pid = await settled(node.start(zombie, []))
    node.exit(pid, 'kill')
    await platform.settle()
    goOn()
    await platform.settle()
    expect(said).toEqual(['goes on'])
    expect(await platform.files.read('owner')).toEqual(bytes('first'))
    expect(node.counters().afterExit).toBe(1)
  })
})
