import { ServiceBroker } from 'moleculer'

const action = 'bench.echo'

/** A broker over Moleculer's TCP transporter, without encryption, in its default settings but for the discovery by UDP. */
export async function startMoleculer(nodeID: string, urls: readonly string[]): Promise<ServiceBroker> {
  const broker = new ServiceBroker({
    nodeID,
    logger: false,
    transporter: { type: 'TCP', options: { udpDiscovery: false, port: portOf(nodeID, urls), urls: [...urls] } },
  })
  if (nodeID === 'callee') {
    broker.createService({
      name: 'bench',
      actions: { echo: (ctx: { params: unknown }) => ctx.params },
    })
  }
  await broker.start()
  return broker
}

/** Waits until the other broker's action is known. */
export async function connectMoleculer(
  urls: readonly string[],
): Promise<{ roundTrip(params: unknown): Promise<unknown>; stop(): Promise<void> }> {
  const broker = await startMoleculer('caller', urls)
  await broker.waitForServices('bench', 10_000, 50)
  return { roundTrip: (params) => broker.call(action, params), stop: () => broker.stop() }
}

/** `host:port/nodeID` lines name both brokers. */
function portOf(nodeID: string, urls: readonly string[]): number {
  const own = urls.find((url) => url.endsWith(`/${nodeID}`))
  return Number(own?.match(/:(\d+)\//)?.[1])
}
