/** Up to so many members every change is told to RegionRegistry at once. */
export const toldAtOnceMax = 64
/** Beyond it a change is told no sooner after the one before than so many milliseconds for each member: to tell a view takes time with all. */
const toldMsEach = 0.25

/** What a peer can change as often as it likes is told no sooner after a change before than so many milliseconds. */
const movedMsEach = 100

/**
 * When a view is made anew and told to RegionRegistry. In a small mesh that is at every change; in a large one, where it takes longer
 * than all else, changes are gathered.
 *
 * @example
 * const waitMs = pace.changed(members, now)
 * if (waitMs === 'now') tell()
 * else if (waitMs !== 'planned') clock.after(waitMs, () => pace.cameDue() && tell())
 */
export class ViewPace {
  #isUntold = false
  #isPlanned = false
  #toldAt = -Infinity
  #wasBusy = false

  /**
   * Something in a view of so many members changed. `now`: tell it. A number: call `cameDue` after so many milliseconds.
   * `planned`: it is told with what changed before.
   */
  changed(members: number, now: number): 'now' | 'planned' | number {
    return members <= toldAtOnceMax ? 'now' : this.#plan(members * toldMsEach, now)
  }

  /** The same where a peer can change it with each of its pings. */
  moved(members: number, now: number): 'now' | 'planned' | number {
    const waitMs = this.#plan(Math.max(movedMsEach, members * toldMsEach), now)
    if (waitMs !== 0) return waitMs
    this.#isPlanned = false
    return 'now'
  }

  #plan(afterMs: number, now: number): 'planned' | number {
    this.#isUntold = true
    if (this.#isPlanned) return 'planned'
    this.#isPlanned = true
    return Math.max(0, this.#toldAt + afterMs - now)
  }

  /** The planned time came. `false`: somebody told it meanwhile. */
  cameDue(): boolean {
    this.#isPlanned = false
    return this.#isUntold
  }

  /** Something changed that can wait for the next tick. */
  untold(): void {
    this.#isUntold = true
  }

  /** A change is told now: the next one waits its time. */
  tellsChange(now: number): void {
    this.#toldAt = now
  }

  /** The view is told as it is. */
  told(): void {
    this.#isUntold = false
  }

  /**
   * Asked at each tick: whether to make the view anew without a look at what was measured. `isBusy`: somebody is suspected; `told`: the nodes in
   * the view that was told last.
   */
  isOldAtTick(isBusy: boolean, told: number): boolean {
    const wasBusy = this.#wasBusy
    this.#wasBusy = isBusy
    return told <= toldAtOnceMax || wasBusy || isBusy || this.#isUntold
  }
}
