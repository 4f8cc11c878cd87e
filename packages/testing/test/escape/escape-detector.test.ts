import { Console } from 'node:console'
import * as crypto from 'node:crypto'
import * as dns from 'node:dns'
import * as fs from 'node:fs'
import * as net from 'node:net'
import { Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import * as zlib from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { detectEscapes } from '../../src/escape/escape-detector.ts'
import { installVirtualGlobals } from '../../src/escape/virtual-globals.ts'
import { catchUncaught } from '../../src/kernel/catch-uncaught.ts'
import { FakeWorld } from './fake-world.ts'

const thisFile = fileURLToPath(import.meta.url)

// Copies that were taken before anything was replaced.
const copied = { ...globalThis, stat: fs.stat, statLater: fs.promises.stat, lookup: dns.lookup }
const { subtle } = globalThis.crypto
const digest = subtle.digest.bind(subtle)
const { timeout } = AbortSignal
const { connect } = net.Socket.prototype
const CopiedChannel = MessageChannel

let world: FakeWorld
const undo: (() => void)[] = []
beforeEach(() => {
  world = new FakeWorld()
  undo.push(installVirtualGlobals(world), detectEscapes(world))
})
afterEach(() => {
  while (undo.length > 0) undo.pop()?.()
})

const planted: Record<string, () => unknown> = {
  'a real timer (Timeout)': () => copied.clearTimeout(copied.setTimeout(() => undefined, 1)),
  'a real timer (Immediate)': () => copied.clearImmediate(copied.setImmediate(() => undefined)),
  'a file (FSREQCALLBACK)': () => copied.stat('/', () => undefined),
  'a file (FSREQPROMISE)': () => void copied.statLater('/'),
  'a name look-up (GETADDRINFOREQWRAP)': () => copied.lookup('localhost', () => undefined),
  'cryptography (HASHREQUEST)': () => void digest('SHA-256', new Uint8Array(1)),
  'a thread or its messages (MESSAGEPORT)': () => new CopiedChannel().port1.close(),
}

describe('detectEscapes', () => {
  it.each(Object.entries(planted))('names the line that made %s by a copied function', async (what, escape) => {
    await world.run(escape)
    expect(world.escapes.map((each) => [each.what, each.file])).toContainEqual([what, thisFile])
    const lines = fs.readFileSync(thisFile, 'utf8').split('\n')
    expect(lines[(world.escapes[0]?.line ?? 0) - 1]).toContain(what)
  })

  it('sees the timer of a copied AbortSignal.timeout', async () => {
    await world.run(() => Reflect.apply(timeout, AbortSignal, [1]))
    expect(world.escapes[0]).toMatchObject({ what: 'a real timer (Timeout)', file: thisFile })
  })

  it('sees a socket of a copied method', async () => {
    await world.run(() => {
      const socket = new net.Socket()
      socket.on('error', () => undefined)
      Reflect.apply(connect, socket, [{ port: 1, host: '127.0.0.1' }])
      socket.destroy()
    })
    expect(world.escapes.map(({ what }) => what)).toContain('a socket (TCPWRAP)')
  })

  it('reports what a replaced function reported only once', async () => {
    await world.run(() => fs.stat('/', () => undefined))
    expect(world.escapes.map(({ what }) => what)).toEqual(['fs.stat'])
  })

  it('is silent about virtual timers, clones, output and streams', async () => {
    const said: string[] = []
    const out = new Console(new Writable({ write: (chunk, _encoding, done) => (said.push(String(chunk)), done()) }))
    await world.run(async () => {
      setTimeout(() => undefined, 1)
      setImmediate(() => undefined)
      structuredClone({ a: 1 })
      out.debug('said inside an event')
      await new Response('a').text()
    })
    expect(world.escapes).toEqual([])
    expect(said).toEqual(['said inside an event\n'])
  })

  it('is silent about what the test runner does', async () => {
    let tries = 0
    let waiting: Promise<void> | undefined
    await world.run(() => {
      // It fails once, so that the runner sets timers to try again.
      waiting = vi.waitFor(() => expect((tries += 1)).toBe(2), { interval: 1 })
    })
    expect(world.escapes).toEqual([])
    await waiting
  })

  it('is silent about what is drawn from the seed and what finishes at once', async () => {
    const { privateKey } = crypto.generateKeyPairSync('ed25519')
    await world.run(() => {
      crypto.randomBytes(9)
      crypto.randomInt(9)
      crypto.randomUUID()
      crypto.randomFillSync(new Uint8Array(9))
      globalThis.crypto.getRandomValues(new Uint8Array(9))
      zlib.gunzipSync(zlib.gzipSync('a'))
      crypto.pbkdf2Sync('a', 'b', 1, 8, 'sha256')
      crypto.scryptSync('a', 'b', 8)
      crypto.hkdfSync('sha256', 'a', 'b', 'c', 8)
      crypto.sign(null, Buffer.from('a'), privateKey)
    })
    expect(world.escapes).toEqual([])
  })

  it('is silent outside of an event, and after it was stopped', async () => {
    await fs.promises.stat('/')
    undo.pop()?.()
    await world.run(() => copied.clearTimeout(copied.setTimeout(() => undefined, 1)))
    expect(world.escapes).toEqual([])
  })

  it('lets an error of the world reach the process, not the hook', async () => {
    world.refusal = new Error('refused')
    const caught: unknown[] = []
    undo.push(catchUncaught((error) => caught.push(error)))
    await world.run(() => copied.clearTimeout(copied.setTimeout(() => undefined, 1)))
    expect(caught).toEqual([world.refusal])
  })
})
