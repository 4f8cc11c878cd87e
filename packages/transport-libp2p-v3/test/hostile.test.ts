import { unreadAnswers } from '../../transport-libp2p/test/hostile/deaf-suite.ts'
import { endlessFrames } from '../../transport-libp2p/test/hostile/frame-suite.ts'
import { hostileToCore, hostileToTransport } from '../../transport-libp2p/test/hostile/hostile-suite.ts'
import { overLibp2p } from '../../transport-libp2p/test/hostile/hostile-world.ts'
import { hostileStreams, unreadStreams } from '../../transport-libp2p/test/hostile/stream-suite.ts'

hostileToTransport('@skerry/transport-libp2p-v3')
const mesh = () => overLibp2p('@skerry/transport-libp2p-v3')
unreadStreams(mesh)
unreadAnswers(mesh)
endlessFrames(mesh)
// Core is the same over both lines: these are for npm run libp2p-3.
if (process.env['SKERRY_LIBP2P_3'] === 'all') {
  hostileToCore('@skerry/transport-libp2p-v3')
  hostileStreams(mesh)
}
