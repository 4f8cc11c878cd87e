import type { IoBoot, ToIo } from '../../src/io/io-message.ts'
import type { IoPost } from '../../src/io/io-batch.ts'
import { TransportHost } from '../../src/io/transport-host.ts'
import { ThreadTransport } from '../../src/io/thread-transport.ts'
import type { Transport } from '../../src/mesh/transport.ts'
import type { Platform, ThreadEvents, ThreadHandle } from '../../src/platform/platform.ts'

/** A transport behind a port whose two ends are in this thread. */
export interface PortedTransport {
  readonly transport: ThreadTransport
  /** How often its thread was started. */
  readonly starts: number
  /** Main reads nothing of what it is sent. */
  sleep(): void
  wake(): void
  /** The thread ends, as by an error that nobody caught. */
  lose(error: Error): void
}

/** Messages are cloned, with what is transferred, and come in their order, each in a turn of its own. */
export function portedTransport(create: () => Transport, platform: Platform): PortedTransport {
  let current: { hosted: Transport; events: ThreadEvents; isOver: boolean } | undefined
  let starts = 0
  let isAsleep = false
  const toMain: (() => void)[] = []
  // Whichever of its turns a seed picks runs what was said first.
  const said: (() => void)[] = []
  const soon = (act: () => void): void => {
    said.push(act)
    platform.turns.enqueue({ runTurn: () => said.shift()?.() })
  }
  const tell = (act: () => void): void => {
    if (isAsleep) toMain.push(act)
    else soon(act)
  }

  function startThread({ words }: IoBoot, events: ThreadEvents): ThreadHandle {
    starts += 1
    const hosted = create()
    const life = { hosted, events, isOver: false }
    current = life
    const host = new TransportHost({
      transport: hosted,
      platform,
      words,
      post(post, carried) {
        const message: unknown = structuredClone(post, { transfer: [...carried] })
        tell(() => {
          if (!life.isOver) events.message(message)
        })
      },
    })
    soon(() => void host.start())
    return {
      post(post, carried) {
        const message = structuredClone(post, { transfer: [...((carried ?? []) as ArrayBuffer[])] }) as IoPost<ToIo>
        soon(() => {
          if (!life.isOver) host.receive(message)
        })
      },
      drain() {},
      close() {},
      terminate() {
        end(life, 1)
      },
    }
  }

  function end(
    life: { hosted: Transport; events: ThreadEvents; isOver: boolean },
    exitCode: number,
    error?: Error,
  ): void {
    if (life.isOver) return
    life.isOver = true
    void life.hosted.stop()
    soon(() => life.events.ended({ exitCode, ...(error !== undefined && { error }) }))
  }

  // Nobody listens at this one. The key of the hosted one signs, as a settled one would.
  const unstarted = create()
  const here: Transport = {
    supports: unstarted.supports,
    start: (host, its) => unstarted.start(host, its),
    dial: (address, expect, signal) => unstarted.dial(address, expect, signal),
    stop: () => unstarted.stop(),
    settle: () => Promise.resolve({}),
    sign: (bytes) => (current as { hosted: Transport }).hosted.sign(bytes),
    verify: (author, bytes, signature) => current?.hosted.verify(author, bytes, signature) ?? false,
  }
  const transport = new ThreadTransport({ spec: { module: 'm', export: 'e', options: {} }, here, startThread })
  return {
    transport,
    get starts() {
      return starts
    },
    sleep() {
      isAsleep = true
    },
    wake() {
      isAsleep = false
      for (const act of toMain.splice(0)) soon(act)
    },
    lose(error) {
      if (current !== undefined) end(current, 1, error)
    },
  }
}
