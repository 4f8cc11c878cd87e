import * as childProcess from 'node:child_process'
import * as crypto from 'node:crypto'
import * as dgram from 'node:dgram'
import * as dns from 'node:dns'
import * as fs from 'node:fs'
import * as files from 'node:fs/promises'
import * as http from 'node:http'
import * as https from 'node:https'
import * as net from 'node:net'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import * as threads from 'node:worker_threads'
import * as zlib from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { formatEscape } from '../../src/escape/escape-world.ts'
import { installVirtualGlobals } from '../../src/escape/virtual-globals.ts'
import { FakeWorld } from './fake-world.ts'

const thisFile = fileURLToPath(import.meta.url)
// A copy that was taken before anything was replaced.
const copiedGzip = zlib.gzip
const refusal = new Error('escaped')

let world: FakeWorld
let restore: () => void
beforeEach(() => {
  world = new FakeWorld()
  world.refusal = refusal
  restore = installVirtualGlobals(world)
})
afterEach(() => restore())

// What escapes, and how it is reported.
const planted: Record<string, () => unknown> = {
  'fs.stat': () => fs.stat('/', () => undefined),
  'fs.readFileSync': () => fs.readFileSync(thisFile),
  'fs.createReadStream': () => fs.createReadStream(thisFile),
  'fs/promises.readFile': () => files.readFile(thisFile),
  'fs/promises.open': () => fs.promises.open(thisFile),
  'net.connect': () => net.connect(1),
  'net.createServer': () => net.createServer(),
  'net.Socket.connect': () => new net.Socket().connect(1),
  'dgram.createSocket': () => dgram.createSocket('udp4'),
  'dns.lookup': () => dns.lookup('localhost', () => undefined),
  'dns/promises.resolve': () => dns.promises.resolve('localhost'),
  'http.get': () => http.get('http://127.0.0.1:1'),
  'https.request': () => https.request('https://127.0.0.1:1'),
  'child_process.spawn': () => childProcess.spawn('true'),
  'zlib.gzip': () => zlib.gzip('a', () => undefined),
  'zlib._transform': () => zlib.createGzip().end('a'),
  'zlib._transform of a copy': () => copiedGzip('a', () => undefined),
  'crypto.pbkdf2': () => crypto.pbkdf2('a', 'b', 1, 8, 'sha256', () => undefined),
  'crypto.scrypt': () => crypto.scrypt('a', 'b', 8, () => undefined),
  'crypto.generateKeyPairSync': () => crypto.generateKeyPairSync('ed25519'),
  'crypto.subtle.digest': () => globalThis.crypto.subtle.digest('SHA-256', new Uint8Array(1)),
  'new worker_threads.Worker': () => new threads.Worker('', { eval: true }),
  'new MessageChannel': () => new MessageChannel(),
  'new BroadcastChannel': () => new BroadcastChannel('a'),
  'new CompressionStream': () => new CompressionStream('gzip'),
  'new WeakRef': () => new WeakRef({}),
  'new FinalizationRegistry': () => new FinalizationRegistry(() => undefined),
  fetch: () => fetch('http://127.0.0.1:1'),
  'Atomics.wait': () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 1),
  'WebAssembly.compile': () => compileWebAssembly(),
}

describe('inside an event', () => {
  it.each(Object.entries(planted))('%s is reported with the line that used it', async (what, escape) => {
    await expect(world.run(escape)).rejects.toBe(refusal)
    expect(world.escapes.map((each) => [each.what, each.file])).toEqual([[what.replace(' of a copy', ''), thisFile]])
    expect(sourceLine(world.escapes[0]?.line)).toContain(what)
  })

  it('a line is printed as editors know it', async () => {
    await expect(world.run(planted['fs.stat'] as () => unknown)).rejects.toBe(refusal)
    const [escape] = world.escapes
    expect(formatEscape(escape as never)).toBe(`fs.stat at ${thisFile}:${escape?.line}:${escape?.column}`)
  })

  it('names the caller of a function that Node wraps', async () => {
    await expect(world.run(async () => promisify(fs.stat)('/'))).rejects.toBe(refusal)
    expect(world.escapes[0]).toMatchObject({ what: 'fs.stat', file: thisFile })
  })

  it('is done for real, and reported once, where that is only noted', async () => {
    world.refusal = undefined
    let status = 0
    const server = http.createServer((_request, response) => response.end())
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as net.AddressInfo
    await world.run(async () => {
      const response = await new Promise<http.IncomingMessage>((resolve) =>
        http.get({ host: '127.0.0.1', port }, resolve),
      )
      status = response.statusCode ?? 0
      response.resume()
    })
    await new Promise((resolve) => server.close(resolve))
    expect(status).toBe(200)
    expect(world.escapes.map(({ what }) => what)).toEqual(['http.get'])
  })

  it('keeps the classes as they are', async () => {
    world.refusal = undefined
    const seen = await world.run(() => {
      class Remembered extends WeakRef<object> {}
      const kept = {}
      const remembered = new Remembered(kept)
      const channel = new MessageChannel()
      channel.port1.close()
      return [remembered.deref() === kept, remembered instanceof WeakRef, channel instanceof MessageChannel]
    })
    expect(seen).toEqual([true, true, true])
    expect(world.escapes.map(({ what }) => what)).toEqual(['new WeakRef', 'new MessageChannel'])
  })

  it.each(
    Object.entries({
      structuredClone: () => structuredClone({ a: new Map([[1, new Date(1)]]) }),
      createHash: () => crypto.createHash('sha256').update('a').digest('hex'),
      gzipSync: () => zlib.gunzipSync(zlib.gzipSync('a')).toString(),
      // Node makes a WeakRef for it.
      'a Request with a signal': () => new Request('http://a', { signal: new AbortController().signal }),
      'a microtask': () => new Promise<void>((resolve) => queueMicrotask(resolve)),
      require: () =>
        process.getBuiltinModule('node:module').createRequire(import.meta.url)('vitest/package.json') as unknown,
    }),
  )('%s is let be', async (_name, allowed) => {
    await world.run(allowed)
    expect(world.escapes).toEqual([])
  })
})

describe('outside of an event', () => {
  it('nothing is reported', async () => {
    await Promise.all([
      files.stat('/'),
      globalThis.crypto.subtle.digest('SHA-256', new Uint8Array(1)),
      promisify(zlib.gzip)('a'),
    ])
    expect(new WeakRef(world).deref()).toBe(world)
    expect(world.escapes).toEqual([])
  })
})

// Node's declarations leave WebAssembly to the DOM's.
function compileWebAssembly(): unknown {
  const { WebAssembly } = globalThis as unknown as { WebAssembly: { compile(bytes: Uint8Array): unknown } }
  return WebAssembly.compile(new Uint8Array())
}

function sourceLine(line: number | undefined): string {
  return fs.readFileSync(thisFile, 'utf8').split('\n')[(line ?? 0) - 1] ?? ''
}
