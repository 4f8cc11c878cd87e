import { onOwnThread, systemPlatform } from '@skerry/core'
import type { ConformanceSuite } from '@skerry/testing/conformance'
import { createLibp2pTransport, libp2pTransport } from '@skerry/transport-libp2p-v3'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { type JoinedModules, joinModules } from '../../transport-libp2p/test/joined-modules.ts'
import { libp2pConformance } from '../../transport-libp2p/test/libp2p-conformance.ts'

// Each node of it boots a thread that loads libp2p, which takes its time.
const promises = process.env['SKERRY_LIBP2P_3'] === 'all' ? [''] : [': order']
const group: ConformanceSuite['describe'] = describe
const suite: ConformanceSuite = {
  it,
  describe: (name, define) => (promises.some((promise) => name.includes(promise)) ? group(name, define) : undefined),
}

let modules: JoinedModules
beforeAll(async () => {
  modules = await joinModules(new URL('..', import.meta.url))
}, 60_000)
afterAll(() => modules.remove())

libp2pConformance(
  'libp2p 3 on its own thread',
  () => systemPlatform(),
  (options) => onOwnThread({ ...libp2pTransport(options), module: modules.url }, createLibp2pTransport),
  undefined,
  suite,
)
