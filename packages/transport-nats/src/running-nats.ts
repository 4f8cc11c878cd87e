import { createHash } from 'node:crypto'
import { TransportError } from '@skerry/core'
import { LimitedLog, type Platform } from '@skerry/core/platform'
import type { RawLink, TransportHost } from '@skerry/core/transport'
import { encodeBroadcast, openBroadcast } from './broadcast.ts'
import { Drops } from './drops.ts'
import { secretKeys } from './handshake.ts'
import { readIdentity } from './identity.ts'
import { LinkTable } from './link-table.ts'
import { type CheckedOptions, isAdmitted } from './options.ts'
import { Presence } from './presence.ts'
import { connectToServer, type ServerConnection } from './server-connection.ts'
import { createSignatures, type Signatures } from './signatures.ts'
import { formatAddress, subjectsOf } from './subjects.ts'
import { TokenBucket } from './token-bucket.ts'

/** The part of the transport that exists from `start` to `stop`. Loading this file loads the client of NATS. */
export interface RunningNats extends Signatures {
  readonly id: string
  readonly address: string
  dial(address: string, expect: string | undefined, signal: AbortSignal): Promise<RawLink>
  publish(topic: string, record: Uint8Array): void
  stop(): Promise<void>
}

// A server that takes less would cut a handshake.
const maxPayloadMin = 1024
// A signature costs a tenth of a millisecond of this thread to check.
const broadcastsPerSecond = 1_000
const lifeBytes = 16

export async function startNats(
  options: CheckedOptions,
  host: TransportHost,
  platform: Platform,
  heard: (topic: string, via: string, record: Uint8Array) => boolean,
): Promise<RunningNats> {
  const { clock, random } = platform
  // Of what others can bring about: whoever may use the server says what it likes to our subjects.
  const log = new LimitedLog(platform, { by: ['peer'] })
  const identity = readIdentity(options.privateKey)
  const { id } = identity
  const signatures = createSignatures(identity)
  const subjects = subjectsOf(options.cluster)
  const { tag } = subjects
  const secrets = secretKeys(options.secrets)
  const uncarried: TransportHost['uncarried'] = (how, count) => host.uncarried?.(how, count)
  const drops = new Drops(platform.log, uncarried)
  const life = createHash('sha256').update(random.id()).digest().subarray(0, lifeBytes).toString('base64url')
  const broadcasts = new TokenBucket(broadcastsPerSecond, clock)

  // Both listeners are called only once everything below stands.
  const connection: ServerConnection = await connectToServer(options, {
    clock,
    log,
    name: `skerry ${id.slice(-6)}`,
    on: {
      lost() {
        // How much was on its way nobody knows.
        uncarried('lost', 1)
        links.serverLost()
      },
      back() {
        links.serverBack()
        presence.start()
      },
      gaveUp(error) {
        links.serverLost()
        host.failed?.(error)
      },
    },
  })

  const links = new LinkTable({
    self: { id, tag, secrets, signatures },
    options,
    subjects,
    life,
    connection,
    platform,
    log,
    drops,
    accepted: (link) => host.accepted(link),
    lost: (packets) => uncarried('lost', packets),
    refused: () => uncarried('refused', 1),
  })
  const presence = new Presence({
    clock,
    random,
    say: () => broadcast('', new Uint8Array(0)),
    isLinked: (node) => links.isLinked(node),
    isAlone: () => links.isAlone,
    offer: (node) =>
      host.offered === undefined ? host.found(formatAddress(tag, node)) : host.offered(formatAddress(tag, node)),
    withdraw: (node) => host.withdrawn?.(formatAddress(tag, node)),
  })

  function broadcast(topic: string, record: Uint8Array): void {
    const bytes = encodeBroadcast({ via: id, topic, record }, { tag, secrets, signatures })
    if (bytes.byteLength > connection.maxPayload) drops.count('too-large')
    else connection.publish(subjects.broadcast, bytes)
  }

  function broadcastCame(bytes: Uint8Array): void {
    if (!broadcasts.take()) return drops.count('too-many')
    const opened = openBroadcast(bytes, { tag, secrets, signatures })
    if (opened === undefined) return drops.count('not-authentic')
    if (opened.via === id) return
    if (!isAdmitted(options, opened.via)) return drops.count('not-admitted')
    presence.heard(opened.via)
    if (opened.topic !== '' && !heard(opened.topic, opened.via, opened.record)) drops.count('unheard')
  }

  async function stop(): Promise<void> {
    presence.stop()
    links.stop()
    await connection.close()
    log.stop()
  }

  connection.subscribe(subjects.node(id), (message) => links.nodeMessage(message))
  connection.subscribe(subjects.links(life), (message) => links.linkMessage(message))
  connection.subscribe(subjects.broadcast, (message) => broadcastCame(message.bytes))
  try {
    await connection.settled()
    if (connection.maxPayload < maxPayloadMin) {
      const problem = `The NATS server takes messages of ${connection.maxPayload} bytes; at least ${maxPayloadMin} are needed`
      throw new TransportError('ERR_TRANSPORT_START', problem)
    }
  } catch (error) {
    await stop()
    throw error
  }
  presence.start()

  return {
    ...signatures,
    id,
    address: formatAddress(tag, id),
    dial: (address, expect, signal) => links.dial(address, expect, signal),
    publish: broadcast,
    stop,
  }
}
