import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'vitest'
import { freePort } from '../../core/test/fixtures/free-port.ts'

/** A server of NATS that a test started, on a port of its own. */
export interface NatsServer {
  readonly url: string
  readonly port: number
  readonly pid: number
  /** Ends it: in order, or at once. Resolves when the process is gone. */
  stop(signal?: NodeJS.Signals): Promise<void>
  /** Starts it again, on the same port. */
  start(): Promise<void>
  signal(signal: NodeJS.Signals): void
}

export interface NatsServerOptions {
  /** Further lines of its configuration. */
  readonly config?: string
  readonly port?: number
}

// Debian installs it where only root looks.
const executables = ['nats-server', '/usr/sbin/nats-server', '/usr/local/sbin/nats-server']
const executable = executables.find((name) => spawnSync(name, ['--version']).status === 0)

/** Why tests that need a server can't run here; nothing, where they can. */
const noNatsServer: string | undefined =
  executable === undefined ? 'there is no nats-server here (Debian: apt-get install nats-server)' : undefined

type Describe = (name: string, define: () => void) => void

/** `describe` for tests on a real server: where there is none they are skipped, which says why. */
export const describeOnServer: Describe = describeUnless(noNatsServer)

/** The same for tests that need something else as well: `missing` says what isn't there. */
export const describeOnServerUnless = (missing: string | undefined): Describe => describeUnless(noNatsServer ?? missing)

function describeUnless(missing: string | undefined): Describe {
  return missing === undefined ? describe : (name) => skipped(name, missing)
}

function skipped(name: string, missing: string): void {
  describe(name, () => {
    it('all of it', ({ skip }) => {
      skip(missing)
    })
  })
}

const atExit = new Set<() => void>()
process.once('exit', () => {
  for (const act of atExit) act()
})

/** Starts a server and waits until it takes connections. */
export async function startNatsServer({ config = '', port }: NatsServerOptions = {}): Promise<NatsServer> {
  if (executable === undefined) throw new Error(noNatsServer)
  const own = port ?? (await freePort())
  const folder = mkdtempSync(join(tmpdir(), 'skerry-nats-'))
  const file = join(folder, 'server.conf')
  writeFileSync(file, `host: 127.0.0.1\nport: ${own}\n${config}\n`)
  let child: ChildProcess | undefined

  const server: NatsServer = {
    url: `nats://127.0.0.1:${own}`,
    port: own,
    get pid() {
      return child?.pid ?? -1
    },
    signal: (signal) => void child?.kill(signal),
    async start() {
      child = spawn(executable, ['-c', file], { stdio: ['ignore', 'ignore', 'pipe'] })
      await ready(child)
    },
    async stop(signal = 'SIGTERM') {
      const ending = child
      child = undefined
      if (ending !== undefined && ending.exitCode === null && ending.signalCode === null) {
        const ended = new Promise((resolve) => ending.once('exit', resolve))
        ending.kill('SIGCONT')
        ending.kill(signal)
        await ended
      }
    },
  }
  atExit.add(() => {
    child?.kill('SIGKILL')
    rmSync(folder, { recursive: true, force: true })
  })
  await server.start()
  return server
}

/** Resolves when it says so. */
function ready(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let said = ''
    child.once('error', reject)
    child.once('exit', (code) => reject(new Error(`nats-server ended (${code}) before it was ready:\n${said}`)))
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      said += text
      if (said.includes('Server is ready')) resolve()
    })
  })
}
