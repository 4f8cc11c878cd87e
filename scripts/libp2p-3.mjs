// npm run libp2p-3: the tests of the adapter for libp2p 3, on a Node that it supports. npm test runs the shorter part of them.
import { pathToFileURL } from 'node:url'
import { installLtsNode, ltsNode, ltsNodeRefusal } from './lts-node.mjs'
import { runVitest } from './run-vitest.mjs'
import { skippedLines } from './skipped-lines.mjs'

const folder = 'packages/transport-libp2p-v3'

/**
 * @param {{ all?: boolean }} [options] `all`: the whole conformance suite on a thread of its own too, and every hostile peer
 * @returns {Promise<{ passed: number, failed: number, skipped: readonly string[] }>}
 */
export async function runLibp2p3({ all = false } = {}) {
  const env = { SKERRY_LIBP2P_3: all ? 'all' : '' }
  if (Number.parseInt(process.versions.node, 10) >= 22) {
    // Then they are among the tests of everything already.
    return all ? await runVitest(process.execPath, [folder], env) : { passed: 0, failed: 0, skipped: [] }
  }
  const refusal = ltsNodeRefusal()
  if (refusal !== undefined) return skipped(refusal)
  /** @type {string} */
  let node
  try {
    node = await installLtsNode()
  } catch (error) {
    return skipped(`npm could not fetch it: ${String(error).split('\n')[0]}`)
  }
  return await runVitest(node, [folder], env)
}

/** @param {string} reason */
function skipped(reason) {
  return { passed: 0, failed: 0, skipped: [`libp2p 3 on Node ${ltsNode.version}: ${reason}`] }
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const tally = await runLibp2p3({ all: true })
  for (const line of skippedLines(tally.skipped)) console.log(line)
  console.log(`${tally.passed} passed, ${tally.failed} failed, ${tally.skipped.length} skipped`)
  process.exitCode = tally.failed > 0 ? 1 : 0
}
