/**
 * A fresh identity: the node's id and its private key (Ed25519, as base64 of libp2p's protobuf), for the option
 * `privateKey`. Keep the key as you keep a password; a node that gets it again after a restart keeps its id.
 *
 * @example
 * const { id, privateKey } = await createIdentity()
 * await writeFile('node.key', privateKey, { mode: 0o600 })
 * const transport = libp2pTransport({ cluster: 'shop', privateKey })
 */
export async function createIdentity(): Promise<{ id: string; privateKey: string }> {
  // Loaded here for the same reason as libp2p: most programs that import this package never make a key.
  const { generateIdentity } = await import('./identity.ts')
  return await generateIdentity()
}
