import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Contestant, Figures } from './contest.ts'
import { findErlang } from './find-erlang.ts'
import { WaitingLine } from './waiting-line.ts'

/** What `otp/skerry_bench.erl` measures. */
export type OtpQuantity = 'call' | 'call_100' | 'send' | 'spawn_link' | 'start_stop' | 'memory' | 'restart' | 'release'

/** One Erlang that lives as long as the suite, so that its slices take turns with ours. */
export interface Otp {
  /** The contestant, or nobody where there is no Erlang. */
  contestant(name: string, quantity: OtpQuantity): Contestant[]
  stop(): void
}

/** Compiles and starts the Erlang program; without Erlang says so, and has no contestants. */
export async function startOtp(): Promise<Otp> {
  const bin = findErlang(process.env['PATH'], existsSync)
  if (bin === undefined) {
    process.stderr.write('erl was not found: the figures of Erlang/OTP are left out (Debian: erlang-base)\n')
    return { contestant: () => [], stop: () => undefined }
  }
  const folder = mkdtempSync(join(tmpdir(), 'skerry-bench-otp-'))
  const source = fileURLToPath(new URL('../otp/skerry_bench.erl', import.meta.url))
  const compiled = spawnSync(join(bin, 'erlc'), ['-o', folder, source], { encoding: 'utf8' })
  if (compiled.status !== 0) throw new Error(`erlc: ${compiled.stdout}${compiled.stderr}`)
  const erl = spawn(join(bin, 'erl'), ['-noshell', '-pa', folder, '-s', 'skerry_bench', 'main'], {
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
