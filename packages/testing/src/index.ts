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

// Many seeds of one
export { defineSimulation, type SimulationDefinition } from './runner/define-simulation.ts'
export { simulate, simulateCase, type SimulateOptions, type SwarmReport } from './runner/simulate.ts'
export { simReplay, simTest, type SimTestOptions, type TestFunction } from './runner/sim-test.ts'
export { SimulationFailure } from './runner/simulation-failure.ts'
export type { ShrinkBudget } from './runner/shrink-failure.ts'
export type { SwarmProperty } from './runner/swarm-tally.ts'
export { type ShrinkOptions, type Shrunk, shrinkCase } from './shrink/shrink.ts'

// What goes wrong in them
export type { Fault, FaultKind, Place } from './fault/fault.ts'
export type { FaultFamilies } from './fault/fault-plan.ts'
export type { HoldRule } from './network/sim-network.ts'
export type { Rtt, RttFunction, RttMatrix, RttOptions } from './network/rtt-matrix.ts'

// Histories and their checkers
export type { Operation, Verdict } from './history/history.ts'
export { acknowledgedIsKept, atMostOnce, type Effects } from './history/effects.ts'
export { converged, type View } from './history/converged.ts'
export { checkLinearizable, type LinearizableOptions } from './history/linearizable.ts'
export type { Model } from './history/model.ts'
export { counterModel, lockModel, queueModel, registerModel } from './history/models.ts'
export { pairOrder, type Received } from './history/pair-order.ts'
export { type ChildEvent, restartOrder, type SupervisedChildren } from './history/restart-order.ts'
export { type Ownership, singleOwner } from './history/single-owner.ts'
export { converges } from './invariant/converges.ts'
export { linearizable, type LinearizableInvariantOptions } from './invariant/linearizable.ts'

// Traces
export { causalChain } from './trace/causes.ts'
export { chromeTrace } from './trace/chrome-trace.ts'
export { traceHtml } from './trace/html-page.ts'
export { formatTrace, parseTrace } from './trace/jsonl.ts'
export { eventLines, traceText } from './trace/text-view.ts'
export type { Trace, TraceEvent, TraceHeader, TraceKind } from './trace/trace-event.ts'

// What goes wrong
export { TestingError, type TestingErrorCode } from './platform/errors.ts'
