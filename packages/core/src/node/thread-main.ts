import { type Deferred, deferred } from '../base/deferred.ts'
import { errorData, errorFromData } from '../base/error-data.ts'
import type { Actor } from '../actor/actor.ts'
import type { Behavior } from '../actor/behavior.ts'
import { ActorError } from '../actor/errors.ts'
import { Kernel } from '../actor/kernel.ts'
import type { CallSignal, Signal } from '../actor/signal.ts'
import { msgpackCodec } from '../codec/msgpack-codec.ts'
import { printableFields } from '../platform/log.ts'
import type { Log, Platform } from '../platform/platform.ts'
import { openRegionTable } from '../region/region-table.ts'
import { createRpcClient } from '../rpc/rpc-client.ts'
import { loadBehavior } from '../thread/load-behavior.ts'
import { ThreadChannel } from '../thread/thread-channel.ts'
import type { FromThread, ReadReceipt, ThreadBoot, ToThread } from '../thread/thread-message.ts'

export interface ThreadPort {
  post(batch: readonly (FromThread | ReadReceipt)[]): void
  onMessage(on: (batch: readonly (ToThread | ReadReceipt)[]) => void): void
}

/** The log of a thread: main writes it, so that lines of several threads do not mix. */
function portLog(send: (message: FromThread) => void): Log {
  const write =
    (level: 'debug' | 'info' | 'warn' | 'error') =>
    (fields: object, message: string): void => {
      send({ type: 'log', level, fields: printableFields(fields), message })
    }
  return { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') }
}

/**
 * Composes a thread's kernel and runs its actor: `behavior`, or else the one that `boot` names, whose module is loaded.
 * `platform.log` is replaced by one that main writes. Resolves when the actor has started, or has said why not.
 */
export async function runThread(
  boot: ThreadBoot,
  port: ThreadPort,
  own: Omit<Platform, 'log'>,
  behavior?: Behavior,
): Promise<void> {
  const channel = new ThreadChannel<FromThread>(own.turns, (batch) => port.post(batch))
  const send = (message: FromThread): void => channel.send(message)
  const platform: Platform = { ...own, log: portLog(send) }
  const kernel = new Kernel({ node: boot.node, life: boot.life, thread: boot.thread, platform, codec: msgpackCodec() })
  const registering = new Map<number, Deferred<void>>()

  for (const [name, pid] of boot.names) kernel.names.follow(name, pid)
  kernel.away = {
    route(signal: Signal) {
      if (!channel.isFullFor(signal)) send({ type: 'signal', signal })
      else if (signal.type === 'call') kernel.deliver(refusedByMain(signal))
      else kernel.counters.mailboxDrops += 1
    },
  }
  kernel.remote = createRpcClient(kernel, openRegionTable(boot.regionTable))
  kernel.onRemoved = (pid, reason) => send({ type: 'ended', pid, reason })
  kernel.registerName = (name, pid) => {
    const ref = kernel.nextRef()
    const answer = deferred<void>()
    registering.set(ref, answer)
    send({ type: 'register', ref, name, pid })
    return answer.promise
  }
  let actor: Actor | undefined
  try {
    const loaded = behavior ?? (await loadBehavior(boot.module, boot.behavior))
    actor = kernel.spawn(loaded, boot.args, { parent: boot.parent })
    for (const link of boot.links) actor.relations.addLink(link)
    // Only now: a signal that came before the actor exists would be answered as to a dead one.
    port.onMessage((batch) => {
      for (const message of channel.receive(batch)) act(message)
    })
    await actor.started.promise
    send({ type: 'started' })
  } catch (thrown) {
    const reason = thrown instanceof ActorError && thrown.reason !== undefined ? thrown.reason : errorData(thrown)
    send({ type: 'startFailed', error: errorData(thrown), reason, ran: actor !== undefined })
  }

  function act(message: ToThread): void {
    switch (message.type) {
      case 'signal':
        kernel.deliver(message.signal)
        return
      case 'name':
        kernel.names.follow(message.name, message.pid)
        return
      case 'peerLost':
        kernel.peerLost(message.lost, () => message.reason)
        return
      case 'echo':
        send(message)
        return
      case 'registered': {
        const answer = registering.get(message.ref)
        registering.delete(message.ref)
        if (message.error === undefined) answer?.resolve()
        else answer?.reject(errorFromData(message.error))
      }
    }
  }
}

function refusedByMain(call: CallSignal): Signal {
  const message = 'The main thread does not read its messages'
  const result = { ok: false, failure: { code: 'ERR_MAILBOX_FULL', outcome: 'not-run', message } } as const
  return { type: 'reply', to: call.from, ref: call.ref, result }
}
