import { startBareLibp2p } from './bare-libp2p.ts'
import { collectOnce } from './collect-once.ts'
import { startGrpc } from './peer-grpc.ts'
import { startMoleculer } from './peer-moleculer.ts'
import type { PeersReady } from './rpc-peers.ts'

// The other process of the peers in JavaScript: apart from ours, so that nobody works on another's heap. It ends when the
// one that forked it is gone.

const echo = await startBareLibp2p()
const grpc = await startGrpc()
const moleculer = await startMoleculer('callee', process.argv.slice(2))

process.on('disconnect', () => {
  grpc.stop()
  void Promise.allSettled([echo.stop(), moleculer.stop()]).finally(() => process.exit())
})
collectOnce()
const ready: PeersReady = { echoAddress: echo.address, grpcPort: grpc.port }
process.send?.(ready)
