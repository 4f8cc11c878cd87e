import { createLibp2pTransport } from '@skerry/transport-libp2p'
import { libp2pConformance } from './libp2p-conformance.ts'
import { testPlatform } from './test-platform.ts'

libp2pConformance('libp2p', () => testPlatform(), createLibp2pTransport, createLibp2pTransport)
