// A node for the templates beside this folder: replace the procedure by yours. Everything else comes from the environment.
import { createServer } from 'node:http'
import { defineApp, procedure, startNode } from '@skerry/core'
import { libp2pOptionsFrom, libp2pTransport } from '@skerry/transport-libp2p'

/** How long a node that leaves waits for running calls. Below what the platform waits before it kills the process. */
const drainMs = 20_000

/**
 * How long a node that finds nobody is not ready: the first one of a cluster has nobody to find, nor has a cluster that starts as a whole while its
 * network is cut, and a deploy must not wait for them for ever.
 */
const aloneMs = Number(process.env['READY_ALONE_MS'] ?? 15_000)

let running = 0
const greet = procedure({
  name: 'greet',
  run: async (ctx, /** @type {{ holdMs?: number }} */ { holdMs = 0 }) => {
    running += 1
    await new Promise((resolve) => setTimeout(resolve, holdMs))
    running -= 1
    return `hello from ${ctx.myRegion}`
  },
})

const node = await startNode(defineApp({ name: 'greeter', children: [], procedures: [greet] }), {
  transport: libp2pTransport(libp2pOptionsFrom(process.env)),
  drainMs,
})

let isLeaving = false
/** Once it was ready it stays so: a network that is cut would take all of them out of their service. */
let hasBeenReady = false
const upAt = performance.now()

/** Whether the next one of a deploy may be taken: it has met the others, who know it then, or has looked for them for long enough. */
function isReady() {
  hasBeenReady ||= node.nodes().some(({ node: id }) => id !== node.id) || performance.now() - upAt >= aloneMs
  return hasBeenReady && !isLeaving
}

const server = createServer((request, response) => {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://node')
  const say = (/** @type {number} */ status, /** @type {unknown} */ body) =>
    response.writeHead(status, { 'content-type': 'application/json' }).end(`${JSON.stringify(body)}\n`)
  // Alive: this process answers. Never ask the others: a network that is cut would have all of them restarted.
  if (pathname === '/livez') say(200, 'alive')
  else if (pathname === '/readyz') say(isReady() ? 200 : 503, { leaving: isLeaving, running, regions: node.regions() })
  else if (pathname === '/greet') {
    const region = searchParams.get('region') ?? node.myRegion
    node.rpcRegion(region, greet, { holdMs: Number(searchParams.get('holdMs') ?? 0) }, { timeoutMs: drainMs }).then(
      (greeting) => say(200, greeting),
      (error) => say(502, { code: error.code, outcome: error.outcome }),
    )
  } else say(404, 'not here')
})
server.listen(Number(process.env['PORT'] ?? 8080), process.env['HOST'] ?? '::')

// Not ready first, then no new connections, then the node: it waits for what still runs.
process.once('SIGTERM', () => {
  isLeaving = true
  server.close()
  void node.stop().then(() => server.closeIdleConnections())
})
