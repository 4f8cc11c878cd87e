import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

interface Report {
  readonly diagnostics: readonly {
    readonly code: string
    readonly labels: readonly { readonly span: { readonly line: number } }[]
  }[]
}

// One line of code each, and the rule that finds it.
const planted: readonly (readonly [code: string, rule: string])[] = [
  ['import { readFile } from "node:fs/promises"', 'eslint(no-restricted-imports)'],
  ['import { Worker as Thread } from "worker_threads"', 'eslint(no-restricted-imports)'],
  ['import { randomUUID } from "node:crypto"', 'eslint(no-restricted-imports)'],
  ['let count = 0', 'skerry(no-module-state)'],
  ['export let limit = 1', 'skerry(no-module-state)'],
  ['var old = 0', 'skerry(no-module-state)'],
  ['const carts = new Map<string, number>()', 'skerry(no-module-state)'],
  ['export const seen: string[] = []', 'skerry(no-module-state)'],
  ['const cache = {} as Record<string, number>', 'skerry(no-module-state)'],
  ['class Ids { static next = 0 }', 'skerry(no-module-state)'],
  ['export const a1 = () => Date.now()', 'eslint(no-restricted-globals)'],
  ['export const a2 = () => new Date()', 'eslint(no-restricted-globals)'],
  ['export const a3 = () => setTimeout(() => undefined, 1)', 'eslint(no-restricted-globals)'],
  ['export const a4 = () => globalThis.setInterval(() => undefined, 1)', 'eslint(no-restricted-globals)'],
  ['export const a5 = () => performance.now()', 'eslint(no-restricted-globals)'],
  ['export const a6 = () => crypto.randomUUID()', 'eslint(no-restricted-globals)'],
  ['export const a7 = () => fetch("http://localhost")', 'eslint(no-restricted-globals)'],
  ['export const a8 = () => new WeakRef({})', 'eslint(no-restricted-globals)'],
  ['export const a9 = () => new BroadcastChannel("a")', 'eslint(no-restricted-globals)'],
  ['export const b1 = () => Math.random()', 'eslint(no-restricted-properties)'],
  ['export const b2 = () => AbortSignal.timeout(1)', 'eslint(no-restricted-properties)'],
  ['export const b3 = () => process.hrtime.bigint()', 'eslint(no-restricted-properties)'],
  ['export const b4 = () => process.env["HOME"]', 'eslint(no-restricted-properties)'],
  ['export const b5 = () => "a".localeCompare("b")', 'eslint(no-restricted-properties)'],
  ['export const b6 = (x: number) => Math.pow(x, 2)', 'eslint(no-restricted-properties)'],
  ['export const c1 = (x: number) => x ** 2', 'skerry(no-exponent)'],
  ['export const c2 = () => import("./other.ts")', 'skerry(no-dynamic-import)'],
]

const harmless: readonly string[] = [
  'import { call } from "@skerry/core"',
  'const table = { a: 1, b: [1, 2] }',
  'const names = new Map([["a", 1]])',
  'class Counter { static readonly first = 1; count = 0 }',
  'export function local() { let inside = 0; const list = []; list.push(inside); return list }',
  'export const product = (x: number) => x * x + Math.floor(x)',
]

let folder: string
let found: ReadonlyMap<number, readonly string[]>

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'skerry-lint-'))
  const preset = JSON.stringify(new URL('../../lint/preset.mjs', import.meta.url).href)
  const config = `import { oxlint } from ${preset}\nexport default { categories: { correctness: 'off' }, ...oxlint }\n`
  await writeFile(join(folder, 'oxlint.config.mjs'), config)
  await writeFile(join(folder, 'planted.ts'), [...planted.map(([code]) => code), ...harmless].join('\n'))
  found = rulesByLine(await lint(folder))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

describe('the preset, in oxlint', () => {
  it.each(planted.map(([code, rule], index) => [code, rule, index + 1] as const))('finds %s', (_code, rule, line) => {
    expect(found.get(line)).toEqual([rule])
  })

  it.each(harmless.map((code, index) => [code, planted.length + index + 1] as const))('accepts %s', (_code, line) => {
    expect(found.get(line)).toBeUndefined()
  })
})

function lint(cwd: string): Promise<Report> {
  const bin = fileURLToPath(new URL('../../../../node_modules/oxlint/bin/oxlint', import.meta.url))
  const args = [bin, '-c', 'oxlint.config.mjs', '-f', 'json', 'planted.ts']
  return new Promise((resolve, reject) => {
    // It exits with 1 when it finds something.
    execFile(process.execPath, args, { cwd }, (error, stdout) => {
      if (stdout.startsWith('{')) resolve(JSON.parse(stdout) as Report)
      else reject(new Error(`oxlint said: ${stdout}`, { cause: error }))
    })
  })
}

function rulesByLine({ diagnostics }: Report): Map<number, string[]> {
  const rules = new Map<number, string[]>()
  for (const { code, labels } of diagnostics) {
    const line = labels[0]?.span.line ?? 0
    rules.set(line, [...(rules.get(line) ?? []), code])
  }
  return rules
}
