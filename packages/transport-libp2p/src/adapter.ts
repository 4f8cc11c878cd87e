/**
 * What an adapter for another line of libp2p is made of. For `@skerry/transport-libp2p-v3` alone: it may change with any version,
 * and both packages are released together.
 */
export { secretNoises } from './cluster-secrets.ts'
export { countRefused } from './count-refused.ts'
export { yamuxFrames } from './framings.ts'
export { gossipWireTopic } from './gossip.ts'
export { gossipOptions } from './gossip-options.ts'
export type { Identity } from './identity.ts'
export { laneProtocol, laneStreamsMax } from './lane-preamble.ts'
export { connectionLimits, negotiationMs, streamsMax, streamWindowBytes, streamWindowBytesMax } from './limits.ts'
export { deafScore } from './line.ts'
export type { CreateLineNode, LineConnection, LineGossip, LineNode, LineReader, LineStream } from './line.ts'
export { MeshTransport } from './mesh-transport.ts'
export { MultistreamGuard, muxerProtocol } from './multistream-guard.ts'
export { type CheckedOptions, checkOptions } from './options.ts'
export { peerGater } from './peer-gater.ts'
export { PieceJoiner } from './piece-joiner.ts'
export { announceWindowInSteps, setReceiveWindow } from './receive-window.ts'
