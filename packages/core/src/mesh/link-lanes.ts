import { LaneWriter } from './lane-writer.ts'
import { bulkLane, controlLane, frameLane } from './link-message.ts'
import type { FrameRecord, RawLane, RawLink } from './transport.ts'

/**
 * The lanes of a link by what goes on them. A transport with fewer lanes gives one for several: then they share a writer, and so
 * its order and its bound.
 */
export class LinkLanes {
  readonly controls: LaneWriter
  readonly frames: LaneWriter
  readonly bulk: LaneWriter
  readonly #control: RawLane
  /** The frame and bulk lanes where they are others than the control lane. */
  readonly #further: readonly RawLane[]

  constructor(raw: Pick<RawLink, 'lane'>, backlogBytesMax: number) {
    const controls = raw.lane(controlLane)
    const frames = raw.lane(frameLane)
    const bulk = raw.lane(bulkLane)
    this.#control = controls
    this.#further = [...new Set([frames, bulk])].filter((lane) => lane !== controls)
    this.controls = new LaneWriter(controls, backlogBytesMax)
    this.frames = frames === controls ? this.controls : new LaneWriter(frames, backlogBytesMax)
    this.bulk = bulk === frames ? this.frames : new LaneWriter(bulk, backlogBytesMax)
  }

  /** What each gives back is whether nobody reads the bytes any more. */
  listen(
    onControl: (bytes: Uint8Array) => boolean,
    onFurther: (bytes: Uint8Array) => boolean,
    onFurtherSlice: (block: Uint8Array, from: number, end: number) => boolean,
    onFurtherRecord?: (record: FrameRecord) => void,
  ): void {
    this.#control.onFrame(onControl)
    for (const lane of this.#further) {
      lane.onSlice?.(onFurtherSlice)
      if (onFurtherRecord !== undefined) lane.onRecord?.(onFurtherRecord)
      lane.onFrame(onFurther)
    }
  }

  /** Nothing comes but on the control lane, as far as the transport can do that. */
  pauseFurther(): void {
    for (const lane of this.#further) lane.pause()
  }

  pauseControls(): void {
    this.#control.pause()
  }

  resumeControls(): void {
    this.#control.resume()
  }

  resumeFurther(): void {
    for (const lane of this.#further) lane.resume()
  }
}
