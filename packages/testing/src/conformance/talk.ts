import type { CoreNode } from './core-node.ts'
import { patternFrame } from './frames.ts'
import type { World } from './world.ts'

let talks = 0

/** One frame there and one back, of this talk alone; said again while a link that is being replaced swallows them. */
export async function talk(world: World, one: CoreNode, other: CoreNode): Promise<void> {
  talks += 1
  const size = 100 + talks
  const heard = (node: CoreNode): boolean => node.frames.some((frame) => frame.byteLength === size)
  for (const [from, to] of [
    [one, other],
    [other, one],
  ] as const) {
    const say = (): void => void from.send(to, patternFrame(size))
    await world.repeatUntil(
      'a frame of the talk',
      say,
      to.until('a frame of the talk', () => heard(to)),
    )
  }
}
