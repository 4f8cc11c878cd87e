import { onOwnThread, silentLog, systemPlatform } from '@skerry/core'
import { createLibp2pTransport, libp2pTransport } from '@skerry/transport-libp2p'
import { afterAll, beforeAll } from 'vitest'
import { type JoinedModules, joinModules } from './joined-modules.ts'
import { libp2pConformance } from './libp2p-conformance.ts'

let modules: JoinedModules
beforeAll(async () => {
  modules = await joinModules()
}, 60_000)
afterAll(() => modules.remove())

libp2pConformance(
  'libp2p on its own thread',
  () => systemPlatform({ log: silentLog }),
  (options) => onOwnThread({ ...libp2pTransport(options), module: modules.url }, createLibp2pTransport),
)
