/** Skerry's mesh over NATS. No type of the NATS client is part of this interface. */
export { createIdentity } from './create-identity.ts'
export { natsAddress } from './subjects.ts'
export { createNatsTransport, natsTransport } from './nats-transport.ts'
export type { NatsIdentity, NatsTls, NatsTransportOptions } from './options.ts'
