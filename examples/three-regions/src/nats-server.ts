import { spawn, spawnSync } from 'node:child_process'
import { createServer } from 'node:net'

// Debian installs it where only root looks.
const executables = ['nats-server', '/usr/sbin/nats-server', '/usr/local/sbin/nats-server']
const readyMs = 10_000

/** A server of NATS of the demo's own, on a free port of the loopback. It ends with this process. */
export interface NatsServer {
  readonly url: string
  stop(): void
}

/** Starts it, if it is installed. Throws an error that says how to get it, otherwise. */
export async function startNatsServer(): Promise<NatsServer> {
  const executable = executables.find((name) => spawnSync(name, ['--version']).status === 0)
  if (executable === undefined) {
    throw new Error(
      'there is no nats-server here. Debian and Ubuntu: apt-get install nats-server; macOS: brew install nats-server; else https://nats.io/download',
    )
  }
  const port = await freePort()
  const child = spawn(executable, ['--addr', '127.0.0.1', '--port', String(port)], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  process.once('exit', () => child.kill())
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`nats-server was not ready in ${readyMs} ms`)), readyMs)
    child.once('error', reject)
    child.once('exit', (code) => reject(new Error(`nats-server ended (${code}) before it was ready`)))
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      if (!text.includes('Server is ready')) return
      clearTimeout(timer)
      resolve()
    })
  })
  return { url: `nats://127.0.0.1:${port}`, stop: () => void child.kill() }
}

async function freePort(): Promise<number> {
  const probe = createServer()
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve))
  const address = probe.address()
  await new Promise((resolve) => probe.close(resolve))
  return typeof address === 'object' && address !== null ? address.port : 0
}
