// What a simulator of nodes needs beside the Platform: `@skerry/testing` is built on it. It is no part of the public
// interface: any release may change it without notice. Applications import from '@skerry/core'.

// Threads that are none
export type { Behavior } from './actor/behavior.ts'
export { type MainPort, runThread } from './node/thread-main.ts'
export { loadBehavior } from './thread/load-behavior.ts'
export type { FromThread, ReadReceipt, ThreadBoot, ToThread } from './thread/thread-message.ts'

// Properties
export { installPropertyObserver, type PropertyObserver } from './platform/property.ts'

// Files
export { checkFilePath, folderOfPrefix } from './platform/file-path.ts'

// The same bytes on every machine
export { leaveOutStacks } from './base/error-data.ts'

// Links over a transport that is tested
export { decodeLinkMessage, encodeLinkMessage, type Greeting, protocolVersion } from './mesh/link-message.ts'
export type { PeerLinkSettings } from './mesh/peer-link-settings.ts'
export { createPeerLinks, type PeerLinks, type SendResult } from './mesh/peer-links.ts'
export type { LinkRefusal } from './mesh/peer-links-events.ts'

// Traces
export { describeFrame } from './mesh/describe-frame.ts'

// A node that is alone, without a module to load; and the way between several
export type { MemoryNetwork } from './mesh/memory-hub.ts'
export { createMemoryTransport, memoryNetwork } from './mesh/memory-transport.ts'
