import { defineApp, silentLog, startNode } from '@skerry/core'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { comparer } from '../fixtures/same-classes.mjs'

const bundle = new URL('../../dist/bundle/', import.meta.url)
const files = readdirSync(bundle, { recursive: true, encoding: 'utf8' })

it.each(['main', 'own', 'pool'] as const)(
  "[thread] core is there once for the kernel and an actor's module: %s",
  async (thread) => {
    const node = await startNode(defineApp({ name: 'once', children: [] }), { log: silentLog })
    const pid = await node.start(comparer, [], { thread })
    expect(await node.call(pid, 'isSameClass', [])).toBe(true)
    await node.stop()
  },
)

it('a thread loads three files of core, and no other package', () => {
  const importsOf = (file: string): string[] => {
    const text = readFileSync(new URL(file, bundle), 'utf8')
    return [...text.matchAll(/^(?:import|export) .*from "(.*)";$/gm)].map(([, from = '']) => from)
  }
  expect(importsOf('node/thread-entry.js')).toEqual(['../core.js', 'node:worker_threads'])
  expect(importsOf('index.js')).toEqual(['./core.js'])
  expect(importsOf('core.js').filter((from) => !from.startsWith('node:'))).toEqual([])
})

it('source maps lead to the sources', () => {
  for (const file of files.filter((name) => name.endsWith('.map'))) {
    const { sources } = JSON.parse(readFileSync(new URL(file, bundle), 'utf8')) as { sources: string[] }
    for (const source of sources) expect(existsSync(new URL(source, new URL(file, bundle))), source).toBe(true)
    expect(sources.filter((source) => !/\/src\/.*\.ts$/.test(source))).toEqual([])
  }
})
