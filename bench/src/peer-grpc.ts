import { Client, credentials, Server, ServerCredentials, type ServiceDefinition } from '@grpc/grpc-js'

const path = '/bench.Echo/Echo'
const asBuffer = (bytes: Buffer): Buffer => bytes
const service: ServiceDefinition = {
  echo: {
    path,
    requestStream: false,
    responseStream: false,
    requestSerialize: asBuffer,
    requestDeserialize: asBuffer,
    responseSerialize: asBuffer,
    responseDeserialize: asBuffer,
  },
}

/** A unary method that echoes bytes, without encryption. Resolves with its port. */
export function startGrpc(): Promise<{ port: number; stop(): void }> {
  const server = new Server()
  server.addService(service, {
    echo: (call: { request: Buffer }, answer: (error: null, bytes: Buffer) => void) => answer(null, call.request),
  })
  return new Promise((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) => {
      if (error === null) resolve({ port, stop: () => server.forceShutdown() })
      else reject(error)
    })
  })
}

export function connectGrpc(port: number): { roundTrip(body: Uint8Array): Promise<unknown>; stop(): void } {
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure())
  return {
    roundTrip: (body) =>
      new Promise((resolve, reject) => {
        client.makeUnaryRequest(path, asBuffer, asBuffer, body as Buffer, (error, answer) => {
          if (error === null) resolve(answer)
          else reject(error)
        })
      }),
    stop: () => client.close(),
  }
}
