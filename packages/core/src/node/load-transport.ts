import type { Transport, TransportFactory, TransportSpec } from '../mesh/transport.ts'
import { memoryTransport } from '../mesh/memory-transport.ts'
import { NodeError } from './errors.ts'
import { transportThread } from './node-config.ts'
import { onOwnThread } from './own-thread.ts'

/** Makes the transport that a spec names, and tells the cluster that its options name. Without one: of a node on its own. */
export async function loadTransport(
  given: TransportSpec | (() => Transport) | undefined,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<{ transport: Transport; cluster: string | undefined }> {
  if (typeof given === 'function') return { transport: given(), cluster: undefined }
  // A node on its own has no network that could be busy.
  const thread = given === undefined ? 'main' : transportThread(given.thread, environment)
  const spec = given ?? memoryTransport()
  let factory: unknown
  try {
    const exports = (await import(spec.module)) as Record<string, unknown>
    factory = Object.hasOwn(exports, spec.export) ? exports[spec.export] : undefined
  } catch (error) {
    throw new NodeError('ERR_TRANSPORT_LOAD', `The transport's module ${spec.module} can not be loaded`, {
      cause: error,
    })
  }
  if (typeof factory !== 'function') {
    throw new NodeError('ERR_TRANSPORT_LOAD', `${spec.module} has no function "${spec.export}" that makes a transport`)
  }
  const create = factory as TransportFactory
  const transport = thread === 'own' ? onOwnThread(spec, create) : create(spec.options)
  return { transport, cluster: clusterOf(spec.options) }
}

function clusterOf(options: unknown): string | undefined {
  const cluster = typeof options === 'object' && options !== null && 'cluster' in options ? options.cluster : undefined
  return typeof cluster === 'string' ? cluster : undefined
}
