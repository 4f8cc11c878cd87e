/**
 * A fresh identity: the node's id and its private key (Ed25519, 32 bytes as base64), for the option `privateKey`. Keep the
 * key as you keep a password; a node that gets it again after a restart keeps its id. It is no NKey of the NATS server's.
 *
 * @example
 * const { id, privateKey } = await createIdentity()
 * await writeFile('node.key', privateKey, { mode: 0o600 })
 * const transport = natsTransport({ cluster: 'shop', secrets: [secret], privateKey })
 */
export async function createIdentity(): Promise<{ id: string; privateKey: string }> {
  const { generateIdentity } = await import('./identity.ts')
  return generateIdentity()
}
