// One node of the cluster that is deployed anew under load, as a process of its own. It ends by SIGTERM, in order.
import { startNode } from '@skerry/core'
import { libp2pTransport } from '@skerry/transport-libp2p'
import { deployedApp, type Done, lifeOf, works } from './deploy-app.ts'
import type { DeployPlace, FromDeployed, ToDeployed } from './deploy-message.ts'

const place = JSON.parse(process.argv[2] ?? '') as DeployPlace
const said: Promise<void>[] = []

const node = await startNode(deployedApp(place.release), {
  region: place.region,
  primaryRegion: 'syd',
  stopOn: ['SIGTERM'],
  drainMs: 30_000,
  transport: libp2pTransport({
    cluster: 'deployed',
    secrets: [...place.secrets],
    listen: [`/ip4/127.0.0.1/tcp/${place.port}`],
    seeds: place.seedPorts.map((port) => `/ip4/127.0.0.1/tcp/${port}`),
    privateKey: place.privateKey,
  }),
})
process.on('message', (message: ToDeployed) => void act(message))
process.on('disconnect', () => process.exit(1))
say({ type: 'up', node: node.id, life: node.life })

await node.closed
await Promise.all(said)
// The channel to the test is all that keeps the process alive.
process.removeAllListeners('disconnect')
process.disconnect()

async function act(message: ToDeployed): Promise<void> {
  const { ref } = message
  try {
    say({ type: 'done', ref, value: await answer(message) })
  } catch (error) {
    say({ type: 'failed', ref, why: String(error) })
  }
}

function answer(message: ToDeployed): Promise<Done | number> {
  if (message.type === 'lifeOf') return node.rpc(message.node, lifeOf, undefined, { timeoutMs: 1_000 })
  // While the new release is not everywhere, its callers have only their own region for sure.
  const target = place.release === 1 ? place.otherRegion : [place.otherRegion, 'nearest']
  // Patient: what counts is that no call fails, not how busy the machine is.
  return node.rpcRegion(target, works[place.release], { ms: message.ms }, { timeoutMs: 30_000 })
}

function say(message: FromDeployed): void {
  said.push(new Promise((resolve) => process.send?.(message, undefined, {}, () => resolve())))
}
