import { onOwnThread, systemPlatform } from '@skerry/core'
import { createLibp2pTransport, libp2pTransport } from '@skerry/transport-libp2p'
import { libp2pConformance } from './libp2p-conformance.ts'

libp2pConformance(
  'libp2p on its own thread',
  () => systemPlatform(),
  (options) => onOwnThread(libp2pTransport(options), createLibp2pTransport),
)
