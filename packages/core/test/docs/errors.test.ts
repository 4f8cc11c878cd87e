import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('../../../../', import.meta.url))
const [forUsers = '', forTesting = ''] = read('docs/errors.md').split(/^## `TestingError`/m)

/** Node's own, and a stand-in for an error without a code. */
const notOurs = ['ERR_UNKNOWN_FILE_EXTENSION', 'ERR_WORKER_OUT_OF_MEMORY', 'ERR_NOT_CODED']
/** Needs a version of Node that does not exist: the drain's own test is tested with a drain that is not sound. */
const notProducible = ['ERR_DRAIN_UNSOUND']

/**
 * Where each code comes out of what makes it, and is not made by the test: of a node or an actor, of two nodes and what is between
 * them, of a transport, of a simulation that runs. Of what reaches no caller (a wrong frame or record, a table without room, a second
 * link) the part that finds it is enough.
 */
const producedBy: Readonly<Record<string, string>> = {
  ERR_ACTOR_EXITED: 'core/test/actor/late-life.test',
  ERR_ALREADY_PRESENT: 'core/test/otp/supervisor-model',
  ERR_ALREADY_STARTED: 'core/test/otp/supervisor-model',
  ERR_APP_START: 'core/test/node/node.test',
  ERR_BAD_CASE: 'testing/test/runner/saved-case.test',
  ERR_BAD_CONFIG: 'core/test/rpc/overload.test',
  ERR_BAD_DISCOVERY: 'core/test/discovery/parse-discovery.test',
  ERR_BAD_FAULT: 'testing/test/simulation/determinism.test',
  ERR_BAD_FRAME: 'core/test/mesh/frame.test',
  ERR_BAD_GROUP: 'core/test/groups/process-groups.test',
  ERR_BAD_OPTION: 'testing/test/runner/simulate.test',
  ERR_BAD_OPTIONS: 'core/test/rpc/failure-refusals',
  ERR_BAD_PATH: 'core/test/node/node-files.test',
  ERR_BAD_REGION: 'core/test/rpc/failure-refusals',
  ERR_BAD_SIMULATION: 'testing/test/runner/define-simulation.test',
  ERR_BAD_SPEC: 'core/test/otp/supervisor.test',
  ERR_BAD_TOKEN: 'core/test/rpc/read-your-writes.test',
  ERR_BAD_TRACE: 'testing/test/trace/jsonl.test',
  ERR_CALLEE_EXITED: 'core/test/rpc/failure-caller-ends',
  ERR_CALLING_SELF: 'core/test/otp/gen-server.test',
  ERR_CALL_TIMEOUT: 'core/test/otp/gen-server.test',
  ERR_CHILD_RESTARTING: 'core/test/otp/restart-backoff.test',
  ERR_CHILD_RUNNING: 'core/test/otp/supervised-threads.test',
  ERR_CLIENT_LOST: 'testing/test/simulation/clients.test',
  ERR_DIAL_FAILED: 'core/test/mesh/memory-transport.test',
  ERR_DISCOVERY_FAILED: 'transport-libp2p/test/discovery.test',
  ERR_DRAINING: 'core/test/node/node.test',
  ERR_DUPLICATE_LINK: 'core/test/mesh/peer-link.test',
  ERR_ESCAPED: 'testing/test/simulation/failures.test',
  ERR_FAKE_TIMERS: 'testing/test/runner/simulate.test',
  ERR_FILES_IO: 'core/test/platform/files.test',
  ERR_FRAME_TOO_LARGE: 'core/test/rpc/failure-refusals',
  ERR_GROUPS_FULL: 'core/test/groups/process-groups.test',
  ERR_INVALID_INPUT: 'core/test/rpc/failure-refusals',
  ERR_INVALID_OUTPUT: 'core/test/rpc/failure-refusals',
  ERR_MAILBOX_FULL: 'core/test/otp/gen-server.test',
  ERR_MALFORMED: 'core/test/mesh/node-record.test',
  ERR_MAX_CHILDREN: 'core/test/otp/dynamic-supervisor.test',
  ERR_MODULE_LOAD: 'core/test/thread/node-threads.test',
  ERR_NAME_TAKEN: 'core/test/actor/names.test',
  ERR_NOCONNECTION: 'core/test/node/node.test',
  ERR_NODE_DOWN: 'testing/test/simulation/faults.test',
  ERR_NODE_IN_THREAD: 'core/test/thread/node-threads.test',
  ERR_NODE_LOST: 'core/test/rpc/failure-broken-links',
  ERR_NODE_STOPPED: 'core/test/node/node.test',
  ERR_NODE_UNREACHABLE: 'core/test/rpc/failure-choices',
  ERR_NOPROC: 'core/test/otp/gen-server.test',
  ERR_NOT_ALLOWED: 'core/test/rpc/allow.test',
  ERR_NOT_CLONEABLE: 'core/test/thread/node-threads.test',
  ERR_NOT_DECODABLE: 'core/test/rpc/failure-broken-links',
  ERR_NOT_ENCODABLE: 'core/test/rpc/failure-refusals',
  ERR_NOT_LOCAL: 'core/test/groups/process-groups.test',
  ERR_NOT_OWNER: 'core/test/otp/task.test',
  ERR_NOT_PRIMARY: 'core/test/node/primary-region.test',
  ERR_NOT_READY: 'core/test/rpc/remote-processes.test',
  ERR_NOT_SETTLED: 'testing/test/kernel/sim-kernel.test',
  ERR_NOT_UNTIL: 'testing/test/simulation/control.test',
  ERR_NO_CHILD: 'core/test/otp/supervised-threads.test',
  ERR_NO_HANDLER: 'core/test/otp/gen-server.test',
  ERR_NO_MODULE: 'core/test/thread/node-threads.test',
  ERR_NO_NODE_IN_REGION: 'core/test/rpc/failure-refusals',
  ERR_NO_PROCEDURE: 'core/test/rpc/failure-refusals',
  ERR_NO_REPLICA: 'core/test/rpc/read-your-writes.test',
  ERR_NO_SUCH_CHILD: 'testing/test/simulation/definition.test',
  ERR_NO_SUCH_NODE: 'testing/test/simulation/control.test',
  ERR_NO_THREADS: 'testing/test/platform/manual-platform.test',
  ERR_OVERLOADED: 'core/test/rpc/overload.test',
  ERR_OWN_ADDRESS: 'transport-libp2p/test/peers.test',
  ERR_PEER_REFUSED: 'core/test/rpc/failure-broken-links',
  ERR_PRIMARY_OUTBID: 'core/test/node/primary-outbid.test',
  ERR_PROCESS_START: 'core/test/rpc/failure-remote-ends',
  ERR_PROTOCOL_VERSION: 'core/test/rpc/failure-broken-links',
  ERR_RECEIVE_TIMEOUT: 'core/test/actor/bare-actor.test',
  ERR_RECORD_TOO_LARGE: 'core/test/mesh/node-record.test',
  ERR_REGION_TIMEOUT: 'core/test/node/node.test',
  ERR_REMOTE_ERROR: 'core/test/rpc/failure-remote-ends',
  ERR_REMOTE_EXIT: 'core/test/rpc/failure-remote-ends',
  ERR_REPLICA_FAILED: 'core/test/rpc/read-your-writes.test',
  ERR_RESULT_GONE: 'core/test/rpc/failure-keys',
  ERR_RESULT_NOT_ENCODABLE: 'core/test/rpc/failure-refusals',
  ERR_RPC_ABORTED: 'core/test/rpc/failure-caller-ends',
  ERR_RPC_TIMEOUT: 'core/test/rpc/failure-caller-ends',
  ERR_SIMULATION_FAILED: 'testing/test/runner/simulate.test',
  ERR_START_FAILED: 'core/test/otp/supervisor.test',
  ERR_START_IGNORED: 'core/test/otp/ignore.test',
  ERR_STREAM_SILENT: 'core/test/rpc/stream-suite',
  ERR_TABLE_TOO_SMALL: 'core/test/region/region-table.test',
  ERR_TASK_FAILED: 'core/test/otp/task.test',
  ERR_TASK_TIMEOUT: 'core/test/otp/task.test',
  ERR_THREAD_BLOCKED: 'core/test/thread/thread-pool.test',
  ERR_TOO_MANY_LINKS: 'core/test/mesh/peer-links.test',
  ERR_TOO_MANY_THREADS: 'core/test/thread/node-threads.test',
  ERR_TOO_MANY_TIMERS: 'testing/test/platform/virtual-clock.test',
  ERR_TOO_MANY_TURNS: 'testing/test/platform/manual-platform.test',
  ERR_TRANSPORT_LOAD: 'core/test/node/node.test',
  ERR_TRANSPORT_START: 'core/test/node/node.test',
  ERR_TRANSPORT_STOPPED: 'core/test/mesh/memory-transport.test',
  ERR_TRANSPORT_THREAD_LOST: 'core/test/io/thread-transport.test',
  ERR_WAIT_ABORTED: 'core/test/rpc/read-your-writes.test',
  ERR_WRONG_CLUSTER: 'core/test/rpc/failure-broken-links',
  ERR_WRONG_PEER: 'transport-libp2p/test/peers.test',
  ERR_WRONG_REGION: 'core/test/rpc/failure-broken-links',
}

describe('the table of errors', () => {
  it('has a row for every code in the sources, and no others', () => {
    const inSources = codesOf(
      filesBelow('packages', /\/src\/.*\.ts$/)
        .map(read)
        .join('\n'),
    )
    const inTable = codesOf(forUsers + forTesting)
    expect(inTable).toEqual(inSources.filter((code) => !notOurs.includes(code)))
  })

  // Whether a test produces it for real can't be read off a text: so the table below is kept by hand.
  it('has a test for each code that produces it for real, and no others', () => {
    const codes = codesOf(forUsers + forTesting).filter((code) => !notProducible.includes(code))
    expect(Object.keys(producedBy).sort()).toEqual(codes)
  })

  it.each(Object.entries(producedBy))('has %s from %s', (code, file) => {
    expect(codesOf(read(`packages/${file}.ts`))).toContain(code)
  })

  it('has no code but is produced by a test', () => {
    const tests = filesBelow('packages', /\/test\/.*\.m?ts$/).filter((path) => !path.includes('/test/docs/'))
    const expected = new Set(codesOf(tests.map(read).join('\n')))
    const missing = codesOf(forUsers + forTesting).filter(
      (code) => !expected.has(code) && !notProducible.includes(code),
    )
    expect(missing).toEqual([])
  })

  // The tests name outcome and code side by side.
  it.each(rowsWithOutcome())('has a test for %s as %s', (code, outcome) => {
    const near = new RegExp(
      `${code}\\b[^;]{0,80}['" |(]${outcome}['")|]|['" |(]${outcome}['")|][^;]{0,80}${code}\\b`,
      's',
    )
    const tests = filesBelow('packages', /\/test\/.*\.m?ts$/).filter((path) => !path.includes('/test/docs/'))
    expect(tests.some((path) => near.test(read(path)))).toBe(true)
  })
})

/** Of the tables whose second column says what is known of the work. */
function rowsWithOutcome(): [string, string][] {
  return [...forUsers.matchAll(/^\| (`ERR_[^|]*) \| ((?:not-run|ran|unknown)[^|]*) \|/gm)].flatMap(
    ([, codes = '', outcomes = '']) =>
      codesOf(codes).flatMap((code) =>
        [...new Set(outcomes.match(/not-run|\bran\b|unknown/g))].map((outcome): [string, string] => [code, outcome]),
      ),
  )
}

function codesOf(text: string): string[] {
  return [...new Set(text.match(/\bERR_[A-Z_]+\b/g))].sort()
}

function filesBelow(folder: string, wanted: RegExp): string[] {
  return readdirSync(`${root}${folder}`, { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}/${entry.name}`
    if (entry.isDirectory()) return ['node_modules', 'dist'].includes(entry.name) ? [] : filesBelow(path, wanted)
    return wanted.test(path) ? [path] : []
  })
}

function read(path: string): string {
  return readFileSync(`${root}${path}`, 'utf8')
}
