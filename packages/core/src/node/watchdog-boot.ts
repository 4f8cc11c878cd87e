import type { BlockWords } from '../thread/block-words.ts'

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
