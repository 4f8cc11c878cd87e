import { hostileToCore, hostileToTransport } from './hostile-suite.ts'

hostileToTransport('@skerry/transport-libp2p')
hostileToCore('@skerry/transport-libp2p')
