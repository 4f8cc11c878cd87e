import { isIP } from 'node:net'
import { checkServerIdentity } from 'node:tls'
import {
  type Authenticator,
  type ConnectionOptions,
  connect,
  credsAuthenticator,
  type Msg,
  type NatsConnection,
  nkeyAuthenticator,
} from '@nats-io/transport-node'
import { TransportError } from '@skerry/core'
import type { Clock, Log, Timer } from '@skerry/core/platform'
import type { CheckedOptions, NatsLogin } from './options.ts'

/** Our connection to a server of NATS: one at a time, found again whenever it is lost. */
export interface ServerConnection {
  /** The largest message that the server takes, in bytes. */
  readonly maxPayload: number
  readonly isUp: boolean
  /** Sends, or does nothing while there is no connection. `answerTo`: where the server says so if nobody listens. */
  publish(subject: string, bytes: Uint8Array, answerTo?: string): void
  subscribe(subject: string, on: (message: ServerMessage) => void): void
  /** Resolves when the server has seen all that was said before. Rejects when it refused a subscription, or was lost. */
  settled(): Promise<void>
  /** Sends what was said, at most for a second, and ends the connection. */
  close(): Promise<void>
}

export interface ServerMessage {
  readonly subject: string
  readonly bytes: Uint8Array
  /** Nobody listens to the subject that we published to; `subject` is what we gave as `answerTo`. */
  readonly nobody: boolean
}

export interface ServerConnectionEvents {
  /** What was on its way may be lost. Followed by `back`, however long that takes. */
  lost(): void
  back(): void
  /** There will be no connection any more. */
  gaveUp(error: TransportError): void
}

const connectMs = 5_000
const flushMs = 1_000
// A server that does not answer two of these is given up: 10 to 15 seconds.
const pingMs = 5_000
const pingsUnansweredMax = 2
const reconnectMs = 250
const noResponders = 503

/** Connects to the first server that answers. Rejects with `ERR_TRANSPORT_START` when none does, or refuses us. */
export async function connectToServer(
  options: CheckedOptions,
  { clock, log, name, on }: { clock: Clock; log: Log; name: string; on: ServerConnectionEvents },
  client: typeof connect = connect,
): Promise<ServerConnection> {
  const { servers } = options
  const connection = await client(clientOptions(options, name)).catch((cause: unknown) => {
    throw new TransportError('ERR_TRANSPORT_START', `No NATS server at ${servers.join(', ')}: ${String(cause)}`, {
      cause,
    })
  })
  let isUp = true
  let isClosing = false
  let maxPayload = connection.info?.max_payload ?? 0
  let refusal: Error | undefined

  void watch(connection, (status) => {
    if (status.type === 'disconnect') {
      if (!isUp) return
      isUp = false
      if (isClosing) return
      log.warn({ server: status.server }, 'NATS transport: the connection to the server was lost')
      on.lost()
    } else if (status.type === 'reconnect') {
      isUp = true
      maxPayload = connection.info?.max_payload ?? maxPayload
      log.info({ server: status.server }, 'NATS transport: connected again')
      on.back()
    } else if (status.type === 'error') {
      log.error({ error: String(status.error) }, 'NATS transport: the server refused something')
    } else if (status.type === 'ldm') {
      log.info({ server: status.server }, 'NATS transport: the server is about to stop')
    }
  })
  void connection.closed().then((error) => {
    if (isClosing) return
    // It tries for ever, so this is something that it does not come back from.
    log.error({ error: String(error) }, 'NATS transport: the client gave up, and the node ends')
    if (isUp) on.lost()
    isUp = false
    on.gaveUp(new TransportError('ERR_TRANSPORT_STOPPED', `The NATS client gave up: ${String(error)}`))
  })

  // What is thrown into the client ends its reading for good, and says so to nobody.
  function handOn(message: Msg, onMessage: (message: ServerMessage) => void): void {
    try {
      onMessage(serverMessage(message))
    } catch (bug) {
      log.error({ error: bug instanceof Error ? bug.stack : String(bug) }, 'NATS transport: a message was not handled')
    }
  }

  return {
    get maxPayload() {
      return maxPayload
    },
    get isUp() {
      return isUp
    },
    publish(subject, bytes, answerTo) {
      if (isUp) connection.publish(subject, bytes, answerTo === undefined ? {} : { reply: answerTo })
    },
    subscribe(subject, onMessage) {
      connection.subscribe(subject, {
        callback: (error, message) => {
          if (error !== null) refusal = error
          else handOn(message, onMessage)
        },
      })
    },
    async settled() {
      await connection.flush()
      if (refusal === undefined) return
      throw new TransportError('ERR_TRANSPORT_START', `The NATS server refused us: ${refusal.message}`, {
        cause: refusal,
      })
    },
    async close() {
      isClosing = true
      if (isUp) await atMost(clock, flushMs, connection.flush())
      isUp = false
      await connection.close()
    },
  }
}

function clientOptions({ servers, login, tls }: CheckedOptions, name: string): ConnectionOptions {
  return {
    servers: [...servers],
    name,
    // What we say to all is for the others.
    noEcho: true,
    timeout: connectMs,
    pingInterval: pingMs,
    maxPingOut: pingsUnansweredMax,
    maxReconnectAttempts: -1,
    reconnectTimeWait: reconnectMs,
    reconnectJitter: reconnectMs,
    reconnectJitterTLS: reconnectMs,
    // A server that is reloading its users may refuse us for a while.
    ignoreAuthErrorAbort: true,
    ...loginOptions(login),
    // The client hands on all of it to Node, which its types do not say.
    ...(tls !== undefined && { tls: { ...tls, ...{ checkServerIdentity: identityCheck(servers) } } }),
  }
}

/**
 * Where a server was given by its address the client asks for no name, and would take a certificate for `localhost`: then it has to be
 * for one of the addresses that were given.
 */
function identityCheck(servers: readonly string[]): typeof checkServerIdentity {
  const hosts = servers.map(
    (server) => /^(?:\w+:\/\/)?(?:\[([^\]]+)\]|([^:]+))/.exec(server)?.slice(1, 3).join('') ?? '',
  )
  const addresses = hosts.filter((host) => isIP(host) !== 0)
  return (asked, certificate) => {
    if (asked !== 'localhost' || hosts.includes('localhost')) return checkServerIdentity(asked, certificate)
    const problems = addresses.map((address) => checkServerIdentity(address, certificate))
    return problems.length === 0 || problems.includes(undefined) ? undefined : problems[0]
  }
}

function loginOptions(login: NatsLogin): {
  user?: string
  pass?: string
  token?: string
  authenticator?: Authenticator
} {
  switch (login.kind) {
    case 'none':
      return {}
    case 'password':
      return { user: login.user, pass: login.password }
    case 'token':
      return { token: login.secret }
    case 'nkey':
      return { authenticator: nkeyAuthenticator(Buffer.from(login.secret)) }
    case 'creds':
      return { authenticator: credsAuthenticator(Buffer.from(login.secret)) }
  }
}

type Status = ReturnType<NatsConnection['status']> extends AsyncIterable<infer One> ? One : never

async function watch(connection: NatsConnection, on: (status: Status) => void): Promise<void> {
  for await (const status of connection.status()) on(status)
}

function serverMessage(message: Msg): ServerMessage {
  const { data } = message
  // A plain view: some are Buffers, whose methods differ from those that the rest relies on.
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
  const nobody = bytes.byteLength === 0 && message.headers?.code === noResponders
  return { subject: message.subject, bytes, nobody }
}

/** Waits for a promise, but no longer than this. How it ends is no matter. */
async function atMost(clock: Clock, ms: number, promise: Promise<unknown>): Promise<void> {
  let timer: Timer | undefined
  const over = new Promise<void>((resolve) => {
    timer = clock.after(ms, resolve)
  })
  await Promise.race([promise.catch(() => undefined), over])
  timer?.cancel()
}
