import { type Log, type Node, type ProcedureRef, RpcError, startNode } from '@skerry/core'
import { shop } from './app.ts'
import { auditOrders, cache, countPrimes, crashDatabase, createOrder, spinForEver, waitForEver } from './contract.ts'
import type { CallFailure, Command, Look, ProcessConfig, Report } from './control-message.ts'
import { transportOf } from './transports.ts'

// One region: an operating-system process with one node, started and driven by main.ts.

const procedures = new Map<string, ProcedureRef<never, unknown>>(
  [createOrder, auditOrders, crashDatabase, countPrimes, spinForEver, waitForEver].map((one) => [
    one.name,
    one as unknown as ProcedureRef<never, unknown>,
  ]),
)

const config = JSON.parse(process.argv[2] as string) as ProcessConfig
// The demo is over when its main process is: nobody else would stop this one.
process.on('disconnect', () => process.exit(1))

try {
  const node = await startNode(shop(config.region === config.primaryRegion, config.file), {
    region: config.region,
    primaryRegion: config.primaryRegion,
    log: demoLog(),
    transport: transportOf(config),
  })
  process.on('message', (command: Command) => void obey(node, command))
  say({ kind: 'up', node: node.id, life: node.life, addresses: node.addresses })
  showTable(node)
} catch (error) {
  say({ kind: 'failed', message: error instanceof Error ? `${error.message} ${causeOf(error)}` : String(error) })
  process.exitCode = 1
  process.disconnect()
}

async function obey(node: Node, command: Command): Promise<void> {
  switch (command.kind) {
    case 'call':
      await call(node, command)
      return
    case 'look':
      say({ kind: 'look', id: command.id, look: await look(node) })
      return
    case 'stop':
      await node.stop()
      process.removeAllListeners('disconnect')
      say({ kind: 'stopped', id: command.id })
      process.disconnect()
  }
}

async function call(node: Node, command: Extract<Command, { kind: 'call' }>): Promise<void> {
  const started = performance.now()
  const elapsedMs = (): number => Math.round(performance.now() - started)
  const procedure = procedures.get(command.procedure) as ProcedureRef<never, unknown>
  const { timeoutMs, idempotencyKey } = command
  const options = { timeoutMs, ...(idempotencyKey !== undefined && { idempotencyKey }) }
  try {
    const value = await node.rpcRegion(command.region, procedure, command.input as never, options)
    if (idempotencyKey !== undefined) node.cast(cache, 'remember', [idempotencyKey, JSON.stringify(value)])
    say({ kind: 'result', id: command.id, value, ms: elapsedMs() })
  } catch (error) {
    say({ kind: 'failure', id: command.id, failure: describe(error), ms: elapsedMs() })
  }
}

async function look(node: Node): Promise<Look> {
  const regions = Object.fromEntries(node.regions().map((region) => [region, node.regionNodes(region)]))
  const nodes = Object.values(regions).flat()
  const running = await node.whichChildren('system.RpcProcesses')
  return {
    regions,
    complete: nodes.every((one) => node.isRpcSupported(one, countPrimes)),
    remoteProcesses: running.length,
    cached: node.whereis(cache) === undefined ? 0 : await node.call(cache, 'size', []),
  }
}

/** Says every new list of regions, for as long as the node is up. */
function showTable(node: Node): void {
  const regions = node.regions()
  say({ kind: 'table', regions })
  node
    .waitFor(() => node.regions().join() !== regions.join(), 'a change', { timeoutMs: 120_000 })
    .then(
      () => showTable(node),
      () => undefined,
    )
}

function describe(error: unknown): CallFailure {
  if (!(error instanceof RpcError))
    return { code: 'UNEXPECTED', outcome: 'unknown', message: String(error), causeCode: undefined }
  const { cause } = error
  const causeCode = cause instanceof Error && 'code' in cause ? String(cause.code) : undefined
  return { code: error.code, outcome: error.outcome, message: error.message, causeCode }
}

function causeOf(error: Error): string {
  return error.cause instanceof Error ? `(${error.cause.message})` : ''
}

/** A node logs with fields, for machines; the demo shows its sentences. */
function demoLog(): Log {
  const show = (level: string) => (_fields: object, message: string) =>
    say({ kind: 'log', message: `${level}: ${message}` })
  return { debug() {}, info() {}, warn: show('warn'), error: show('error') }
}

function say(report: Report): void {
  process.send?.(report)
}
