// Time
export { type VirtualClock, type VirtualClockOptions, virtualClock } from './platform/virtual-clock.ts'

// Chance
export { type SeededRandom, seededRandom } from './platform/seeded-random.ts'

// Turns
export { type ManualTurns, type ManualTurnsOptions, manualTurns } from './platform/manual-turns.ts'
export { settleMicrotasks } from './platform/settle-microtasks.ts'

// All of it as one platform
export { type FilesCrash, type MemoryFiles, memoryFiles } from './platform/memory-files.ts'
export { manualNode, type ManualNode, type ManualNodeOptions, type Probe } from './platform/manual-node.ts'
export { type ManualPlatform, type ManualPlatformOptions, manualPlatform } from './platform/manual-platform.ts'
export { type LogEntry, type RecordedLog, recordedLog } from './platform/recorded-log.ts'

// Simulations
export type { Invariant, SimulationOptions } from './simulation/definition.ts'
export type { Client } from './simulation/client.ts'
export type { Barrier } from './simulation/property-recorder.ts'
export { resolveCase } from './simulation/resolve-case.ts'
export { runCase } from './simulation/run-case.ts'
export type { PropertyCount, RunCase, RunFailure, RunOptions, RunResult } from './simulation/run-result.ts'
export type { ClientsOptions, Sim } from './simulation/sim.ts'
export type { SimCase, SimNodeSpec } from './simulation/sim-case.ts'
export type { SimNode } from './simulation/sim-node.ts'

// What goes wrong in them
export type { Fault, FaultKind, Place } from './fault/fault.ts'

// Histories and their checkers
export type { Operation, Verdict } from './history/history.ts'

// Traces
export type { Trace, TraceEvent, TraceHeader, TraceKind } from './trace/trace-event.ts'

// What goes wrong
export { TestingError, type TestingErrorCode } from './platform/errors.ts'
