/** What main writes for the watchdog's thread to read: a heartbeat, and whose turn it is. */
export interface BlockWords {
  /** [heartbeats of main; serial of the actor whose turn it is, 0: none; index of its label; 1: the watchdog should end] */
  readonly words: Int32Array
  /** Labels by index: their length in bytes, then UTF-8. */
  readonly labels: Uint8Array
}

export const beatWord = 0
export const serialWord = 1
export const labelWord = 2
export const stopWord = 3

/** Labels that are told apart; those after are all called by the first entry. */
export const labelsMax = 256
export const labelBytes = 64

/** What the watchdog's thread is started with. */
export interface WatchdogBoot extends BlockWords {
  readonly node: string
  readonly life: number
  readonly blockedMs: number
  readonly exit: boolean
}

/** What it tells main, when main listens again. */
export interface BlockReport {
  readonly actor: string
  readonly blockedMs: number
}

/** How often main gives a sign of life and the watchdog looks for one. */
export function checkMsOf(blockedMs: number): number {
  return Math.max(10, Math.min(250, blockedMs / 4))
}
