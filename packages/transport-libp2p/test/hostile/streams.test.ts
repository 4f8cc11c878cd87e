import { overLibp2p } from './hostile-world.ts'
import { hostileStreams, unreadStreams } from './stream-suite.ts'

const mesh = () => overLibp2p('@skerry/transport-libp2p')
hostileStreams(mesh)
unreadStreams(mesh)
