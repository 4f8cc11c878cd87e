import { type BareEcho, connectBareLibp2p } from './bare-libp2p.ts'
import { endOf, forked } from './forked.ts'
import { freePort } from './free-port.ts'
import { connectGrpc } from './peer-grpc.ts'
import { connectMoleculer } from './peer-moleculer.ts'
import type { WriteStyle } from './raw-echo.ts'

/** What the peers' process reports when it is ready. */
export interface PeersReady {
  readonly echoAddress: string
  readonly grpcPort: number
}

/** The callers of the peers in JavaScript, in this process, and their callees, in one other. */
export interface RpcPeers {
  readonly echo: Record<WriteStyle, BareEcho>
  grpc(body: Uint8Array): Promise<unknown>
  moleculer(text: string): Promise<unknown>
  stop(): Promise<void>
}

export async function startRpcPeers(): Promise<RpcPeers> {
  const urls = [`127.0.0.1:${await freePort()}/callee`, `127.0.0.1:${await freePort()}/caller`]
  const { child, ready } = await forked<PeersReady>('./rpc-peer-callee.js', urls)
  const echo = await connectBareLibp2p(ready.echoAddress)
  const grpc = connectGrpc(ready.grpcPort)
  const moleculer = await connectMoleculer(urls)
  return {
    echo,
    grpc: grpc.roundTrip,
    moleculer: moleculer.roundTrip,
    async stop() {
      grpc.stop()
      await Promise.all([echo.stop(), moleculer.stop()])
      await endOf(child)
    },
  }
}
