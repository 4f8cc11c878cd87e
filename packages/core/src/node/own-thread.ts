import { ThreadTransport } from '../io/thread-transport.ts'
import type { Transport, TransportFactory, TransportSpec } from '../mesh/transport.ts'
import { systemThreads } from '../platform/threads.ts'

/**
 * The transport that `spec` names, on a thread of its own: what `startNode` makes of a spec with `thread: 'own'`. For tests of a
 * transport, and whoever starts one without a node. `factory` is the spec's, on this thread.
 *
 * @example
 * transportConformance('mine, own thread', { …, create: () => onOwnThread(myTransport(options), createMyTransport) })
 */
export function onOwnThread(spec: TransportSpec, factory: TransportFactory): Transport {
  const threads = systemThreads({
    // In a source tree that runs unbuilt the entry is a .ts file, as this one is.
    entry: new URL(import.meta.url.endsWith('.ts') ? './transport-entry.ts' : './transport-entry.js', import.meta.url),
    filesRoot: process.cwd(),
    heapMb: undefined,
    spares: 0,
  })
  return new ThreadTransport({
    spec,
    here: factory(spec.options),
    startThread: (boot, events) => threads.start(boot, events),
  })
}
