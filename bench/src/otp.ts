import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Contestant, Figures } from './contest.ts'
import { findErlang } from './find-erlang.ts'
import { freePort } from './free-port.ts'
import { WaitingLine } from './waiting-line.ts'

/** What `otp/skerry_bench.erl` measures. */
export type OtpQuantity =
  | 'call'
  | 'call_100'
  | 'send'
  | 'spawn_link'
  | 'start_stop'
  | 'memory'
  | 'restart'
  | 'ets_lookup'
  | 'ets_draw'
  | 'release'
  // These need two nodes.
  | 'erpc_p50'
  | 'erpc_100'
  | 'erpc_100_1k'
  | 'erpc_100_64k'
  | 'erpc_beside_bulk'
  | 'spawn_p50'
  | 'spawn_100'

/** One Erlang that lives as long as the suite, so that its slices take turns with ours. */
export interface Otp {
  /** The contestant, or nobody where there is no Erlang. */
  contestant(name: string, quantity: OtpQuantity): Contestant[]
  stop(): void
}

/**
 * Compiles and starts the Erlang program; without Erlang says so, and has no contestants. With `nodes: 2` it starts a
 * second node, on 127.0.0.2.
 */
export async function startOtp({ nodes }: { nodes: 1 | 2 } = { nodes: 1 }): Promise<Otp> {
  const bin = findErlang(process.env['PATH'], existsSync)
  if (bin === undefined) {
    process.stderr.write('erl was not found: the figures of Erlang/OTP are left out (Debian: erlang-base)\n')
    return { contestant: () => [], stop: () => undefined }
  }
  const folder = mkdtempSync(join(tmpdir(), 'skerry-bench-otp-'))
  const source = fileURLToPath(new URL('../otp/skerry_bench.erl', import.meta.url))
  const compiled = spawnSync(join(bin, 'erlc'), ['-o', folder, source], { encoding: 'utf8' })
  if (compiled.status !== 0) throw new Error(`erlc: ${compiled.stdout}${compiled.stderr}`)
  const distribution = nodes === 2 ? distributed(await freePort()) : []
  const args = ['-noshell', ...distribution, '-pa', folder, '-s', 'skerry_bench', 'main']
  const erl = spawn(join(bin, 'erl'), args, {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const answers = new WaitingLine<Figures>()
  createInterface(erl.stdout).on('line', (line) => answers.answer(JSON.parse(line) as Figures))
  let isStopping = false
  erl.once('exit', (code) => {
    rmSync(folder, { recursive: true, force: true })
    if (!isStopping) throw new Error(`erl ended with ${code}`)
  })
  const ask = (quantity: OtpQuantity, sliceMs: number): Promise<Figures> => {
    erl.stdin.write(`${quantity} ${Math.ceil(sliceMs)}\n`)
    return answers.join()
  }
  const { otp } = await ask('release', 0)
  process.stderr.write(`Erlang/OTP ${otp}\n`)
  return {
    contestant: (name, quantity) => [{ name, run: (sliceMs) => ask(quantity, sliceMs) }],
    stop() {
      isStopping = true
      erl.stdin.end()
    },
  }
}

/** A node without epmd, which would outlive the bench: all nodes use one port, each on an address of its own. */
function distributed(port: number): string[] {
  const listen = ['-kernel', 'inet_dist_use_interface', '{127,0,0,1}']
  return ['-name', 'skerry_bench@127.0.0.1', '-start_epmd', 'false', '-erl_epmd_port', String(port), ...listen]
}
