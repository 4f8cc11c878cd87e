import type { Transport, TransportFactory, TransportSpec } from '../mesh/transport.ts'
import { NodeError } from './errors.ts'
import { onOwnThread } from './own-thread.ts'

/** Makes the transport that a spec names, and tells the cluster that its options name. */
export async function loadTransport(
  spec: TransportSpec | (() => Transport),
): Promise<{ transport: Transport; cluster: string | undefined }> {
  if (typeof spec === 'function') return { transport: spec(), cluster: undefined }
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
  const transport = spec.thread === 'own' ? onOwnThread(spec, create) : create(spec.options)
  return { transport, cluster: clusterOf(spec.options) }
}

function clusterOf(options: unknown): string | undefined {
  const cluster = typeof options === 'object' && options !== null && 'cluster' in options ? options.cluster : undefined
  return typeof cluster === 'string' ? cluster : undefined
}
