import type { EscapeWorld } from './escape-world.ts'
import { eitherOr, type Patches } from './patches.ts'

/** `Date`, `performance.now` and `timeOrigin`, `process.hrtime` and `process.uptime` tell the node's time. */
export function patchClocks(patches: Patches, world: EscapeWorld): void {
  patchDate(patches, world)

  const monotonicUs = (): number => Math.round(world.clock.monotonic() * 1_000)
  const clock = Object.getPrototypeOf(performance) as object
  patches.replace(clock, 'now', (real) => eitherOr(world, real, () => world.clock.monotonic()))
  patches.replace(clock, 'timeOrigin', (real) => {
    return world.inside ? world.clock.wall() - world.clock.monotonic() : real
  })

  const { hrtime } = process
  const hrtimeInside = (before?: [number, number]): [number, number] => {
    const us = monotonicUs()
    const now: [number, number] = [Math.floor(us / 1_000_000), (us % 1_000_000) * 1_000]
    if (before === undefined) return now
    // The real one checks the argument.
    hrtime(before)
    const [seconds, nanos] = [now[0] - before[0], now[1] - before[1]]
    return nanos < 0 ? [seconds - 1, nanos + 1_000_000_000] : [seconds, nanos]
  }
  patches.replace(process, 'hrtime', (real) => eitherOr(world, real, hrtimeInside))
  patches.replace(hrtime, 'bigint', (real) => eitherOr(world, real, () => BigInt(monotonicUs()) * 1_000n))
  patches.replace(process, 'uptime', (real) => eitherOr(world, real, () => monotonicUs() / 1_000_000))
}

function patchDate(patches: Patches, world: EscapeWorld): void {
  const RealDate = Date
  const VirtualDate = new Proxy(RealDate, {
    apply: () => (world.inside ? new RealDate(world.clock.wall()) : new RealDate()).toString(),
    construct(target, args, newTarget) {
      const at: unknown[] = world.inside && args.length === 0 ? [world.clock.wall()] : args
      return Reflect.construct(target, at, newTarget) as Date
    },
  })
  // On the real one: this reaches code that took its own copy of Date before.
  patches.replace(RealDate, 'now', (real) => eitherOr(world, real, () => world.clock.wall()))
  patches.replace(RealDate.prototype, 'constructor', () => VirtualDate)
  patches.replace(globalThis, 'Date', () => VirtualDate)
}
