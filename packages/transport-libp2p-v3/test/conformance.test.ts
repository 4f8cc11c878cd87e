import { createLibp2pTransport } from '@skerry/transport-libp2p-v3'
import { libp2pConformance } from '../../transport-libp2p/test/libp2p-conformance.ts'
import { testPlatform } from '../../transport-libp2p/test/test-platform.ts'

libp2pConformance('libp2p 3', () => testPlatform(), createLibp2pTransport, createLibp2pTransport)
