import type { Log } from '@skerry/core/platform'
import type { SimKernel } from '../kernel/sim-kernel.ts'
import type { SimUnit } from '../kernel/sim-unit.ts'

/** A node's log as events of the trace. Only the message goes in, since fields may name what differs between machines. */
export class SimLog implements Log {
  readonly #kernel: SimKernel
  readonly #unit: SimUnit

  constructor(kernel: SimKernel, unit: SimUnit) {
    this.#kernel = kernel
    this.#unit = unit
  }

  debug(_fields: object, _message: string): void {}

  info(_fields: object, message: string): void {
    this.#note('info', message)
  }

  warn(_fields: object, message: string): void {
    this.#note('warn', message)
  }

  error(_fields: object, message: string): void {
    this.#note('error', message)
  }

  #note(level: string, message: string): void {
    this.#kernel.note(this.#unit, 'log', { digest: message.length, msg: () => `${level} ${message}` })
  }
}
