// Apps and nodes
export { type AppDefinition, defineApp } from './node/app.ts'
export type { ThreadInfo } from './thread/node-threads.ts'
export { loadPrivateKey, type PrivateKeySource } from './node/load-private-key.ts'
export type { NodeOptions, ThreadPoolOptions } from './node/node-options.ts'
export { startNode } from './node/start-node.ts'
export type { LoadLimits } from './rpc/load-limits.ts'
export type { WatchdogOptions } from './node/watchdog.ts'
export type { Node, NodeEnd } from './node/node.ts'
export { systemPlatform, type SystemPlatformOptions } from './node/system-platform.ts'
export { onOwnThread } from './node/own-thread.ts'
export { memoryTransport, type MemoryTransportOptions } from './mesh/memory-transport.ts'

// Finding each other
export type { DiscoverySourceInfo } from './discovery/discovery.ts'
export {
  dnsDiscovery,
  type DnsDiscoveryOptions,
  srvDiscovery,
  type SrvDiscoveryOptions,
} from './discovery/dns-discovery.ts'
export { DiscoveryError, type DiscoveryErrorCode } from './discovery/errors.ts'
export { flyDiscovery, type FlyDiscoveryOptions } from './discovery/fly-discovery.ts'
export { kubernetesDiscovery, type KubernetesDiscoveryOptions } from './discovery/kubernetes-discovery.ts'
export {
  type AddressOf,
  type DiscoverySelf,
  type DiscoverySource,
  type OpenSource,
  type PartialAnswer,
  type Place,
} from './discovery/source.ts'
export { type Dns, type DnsOptions, type DnsService, systemDns } from './platform/dns.ts'

// Actors
export { actor, type ActorDefinition, type BareContext, type ReceiveOptions } from './actor/bare-actor.ts'
export type { Behavior, ModuleMeta } from './actor/behavior.ts'
export type { CallOptions, Context, DemonitorOptions, Message, MonitorRef, StartOptions } from './actor/context.ts'
export type { PeerLinkCounters } from './mesh/peer-link-settings.ts'
export type { KernelCounters } from './actor/counters.ts'
export type { KernelStats } from './actor/kernel-stats.ts'
export { Exit, type ExitReason } from './actor/exit-reason.ts'
export type {
  DownMessage,
  ExitMessage,
  MailboxPolicy,
  MailboxSpec,
  NodeDownMessage,
  NodeUpMessage,
} from './actor/mailbox.ts'
export {
  type ActorName,
  actorName,
  formatPid,
  isPid,
  type NodeId,
  parsePid,
  type PartitionName,
  type Pid,
  samePid,
  type Target,
} from './actor/pid.ts'
export type { Outcome } from './actor/signal.ts'
export type { Placement } from './actor/thread-starter.ts'
export type { Files } from './platform/files.ts'

// Servers and supervisors
export {
  type DeferredReply,
  genServer,
  type GenServerDefinition,
  type Ignore,
  type InitContext,
  type ServerContext,
  type ServerProtocol,
  type Stop,
} from './otp/gen-server.ts'
export {
  dynamicSupervisor,
  type DynamicSupervisorProtocol,
  type DynamicSupervisorSpec,
} from './otp/dynamic-supervisor.ts'
export type { BackoffOptions } from './base/backoff.ts'
export { child, type ChildOptions, type ChildSpec, type SupervisorSpec } from './otp/child-spec.ts'
export type { AutoShutdown } from './otp/auto-shutdown.ts'
export type { ChildCounts, ChildInfo } from './otp/child-table.ts'
export type { Intensity } from './otp/restart-intensity.ts'
export type { Restart, Strategy } from './otp/restart-strategy.ts'
export {
  partitionedSupervisor,
  type Partitioned,
  type PartitionedProtocol,
  type PartitionedSpec,
} from './otp/partitioned-supervisor.ts'
export { type StreamOptions, Task, type TaskOutcome, type TaskOwner } from './otp/task.ts'
export { supervisor, supervisorBehavior, type SupervisorProtocol } from './otp/supervisor.ts'

// Calls by region
export type { CastOptions, EachOptions, EachResult, ManyTarget, ManyVerbs, RemoteFailure } from './actor/remote-many.ts'
export type {
  ProcedureName,
  ProcedureRef,
  StreamRef,
  RegionTarget,
  RegionVerbs,
  RemoteVerbs,
  RpcOptions,
  WaitOptions,
} from './actor/remote-verbs.ts'
export type { NodeInfo, ProcedureInfo } from './actor/node-info.ts'
export type { Attempt, ChoiceExplanation, ExplainedNode, NodeVerdict, RpcReport } from './actor/rpc-report.ts'
export {
  contract,
  type Contract,
  type ContractDefinition,
  type ContractImplementation,
  type Implementation,
  type OfferedProcedure,
  procedure,
  type ProcedureDefinition,
  type ProcedureHere,
} from './rpc/procedure.ts'
export type { Allow, Caller } from './rpc/caller.ts'
export type { Replicated, ReplicatedOptions, ReplicaVerbs } from './actor/remote-replica.ts'
export type { Replica } from './rpc/replica-watch.ts'
export { ReplicaError, type ReplicaErrorCode } from './rpc/replica-errors.ts'
export type { RemoteStream, RemoteStreamOptions, StreamVerbs } from './actor/remote-stream.ts'
export {
  streamContract,
  type StreamContract,
  type StreamContractDefinition,
  type StreamContractImplementation,
  type StreamDefinition,
  type StreamHere,
  type StreamImplementation,
  streamProcedure,
} from './rpc/stream-procedure.ts'
export type { IdempotencyLimits } from './rpc/idempotency-window.ts'
export type { ProcedureContext } from './rpc/procedure-context.ts'

// Process groups
export {
  type GroupsCaller,
  type GroupsWatcher,
  type ProcessGroups,
  processGroups,
  type ProcessGroupsOptions,
} from './groups/process-groups.ts'
export type { GroupMessage } from './groups/group-monitors.ts'
export type { ProcessGroupsStats, ScopeProtocol } from './groups/scope.ts'

// Telemetry, as docs/telemetry.md describes it
export type {
  ActorCallEvent,
  ActorExitEvent,
  ActorSpawnEvent,
  EventChoice,
  EventError,
  EventSource,
  PeerDownEvent,
  PeerUpEvent,
  PrimaryConflictEvent,
  RegionTableEvent,
  RpcAttemptEvent,
  RpcCallEvent,
  RpcRefuseEvent,
  RpcServeEvent,
  ServedTimes,
  SupervisorRestartEvent,
} from './platform/telemetry.ts'
export type { MeasureFamily, MeasureLabels } from './platform/call-measures.ts'
export type { SummedSeries } from './platform/measure-sums.ts'
export type { CallMeasurement } from './thread/node-measures.ts'
export type { TraceContext } from './platform/trace-context.ts'

// Errors
export { type ErrorData, errorData, errorFromData } from './base/error-data.ts'
export { RuntimeError } from './base/runtime-error.ts'
export { ActorError, type ActorErrorCode, CallError, type CallErrorCode } from './actor/errors.ts'
export { CodecError, type CodecErrorCode } from './codec/errors.ts'
export { GroupsError, type GroupsErrorCode } from './groups/errors.ts'
export { TransportError, type TransportErrorCode } from './mesh/errors.ts'
export { NodeError, type NodeErrorCode } from './node/errors.ts'
export { PrimaryError, RegionError, type RegionErrorCode } from './region/errors.ts'
export { SpecError, TaskError, type TaskErrorCode } from './otp/errors.ts'
export { FilesError, type FilesErrorCode } from './platform/errors.ts'
export { RpcError, type RpcErrorCode } from './rpc/errors.ts'

// Properties, for simulations
export { always, chance, knob, reachable, sometimes, unreachable } from './platform/property.ts'

// For tests and tools
export { consoleLog, type Log, silentLog } from './platform/log.ts'
export {
  type Registered,
  registry,
  type RegistryEntry,
  type RegistryOptions,
  type RegistryProtocol,
} from './otp/registry.ts'
