import { ip } from './host-commands.ts'
import type { Way } from './ways.ts'

/** What carries packets between hosts. */
export interface Lines {
  /** From now on in this direction; `undefined`: nothing gets through. */
  set(from: string, to: string, way: Way | undefined): void
  close(): Promise<void>
}

export interface Host {
  readonly region: string
  /** The name of its network namespace. */
  readonly namespace: string
  readonly address: string
}

/** Gives the host its address on an interface that is there. */
export function setAddress({ namespace, address }: Host, device: string): void {
  ip('-n', namespace, 'addr', 'add', `${address}/24`, 'dev', device)
  ip('-n', namespace, 'link', 'set', device, 'up')
}
