/** What this needs of libp2p's TCP transport, which both lines have alike. */
interface Listening<Options> {
  createListener(options: Options): unknown
}

interface Upgrading {
  readonly upgrader: { upgradeInbound(...given: never[]): Promise<unknown> }
}

/**
 * A transport of libp2p that tells of each connection that somebody opened to it and that came to nothing: too many, of a stranger
 * without the secret, of one who is not admitted, or given up by who opened it. libp2p itself tells its debug log only.
 *
 * @example
 * transports: [countRefused(tcp(), () => host.uncarried?.('refused', 1))]
 */
export function countRefused<Components, Options extends Upgrading, Made extends Listening<Options>>(
  create: (components: Components) => Made & Listening<Options>,
  refused: () => void,
): (components: Components) => Made {
  return (components) => {
    const transport = create(components)
    const createListener = transport.createListener.bind(transport)
    transport.createListener = (options) => createListener({ ...options, upgrader: counted(options.upgrader, refused) })
    return transport
  }
}

function counted<Upgrader extends Upgrading['upgrader']>(upgrader: Upgrader, refused: () => void): Upgrader {
  const upgradeInbound = async (...given: never[]): Promise<unknown> => {
    try {
      return await upgrader.upgradeInbound(...given)
    } catch (error) {
      refused()
      throw error
    }
  }
  return Object.assign(Object.create(upgrader) as Upgrader, { upgradeInbound })
}
