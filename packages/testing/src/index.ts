// Time
export { type VirtualClock, type VirtualClockOptions, virtualClock } from './platform/virtual-clock.ts'

// Chance
export { type SeededRandom, seededRandom } from './platform/seeded-random.ts'

// Turns
export { type ManualTurns, type ManualTurnsOptions, manualTurns } from './platform/manual-turns.ts'
export { settleMicrotasks } from './platform/settle-microtasks.ts'

// All of it as one platform
export { type ManualPlatform, type ManualPlatformOptions, manualPlatform } from './platform/manual-platform.ts'
export { type LogEntry, type RecordedLog, recordedLog } from './platform/recorded-log.ts'

// What goes wrong
export { TestingError, type TestingErrorCode } from './platform/errors.ts'
