// npm run fuzz: puts every decoder of what peers send through inputs that nobody wrote.
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { Worker } from 'node:worker_threads'
import { bytesOf, hexOf, writeCorpus } from './corpus.ts'
import type { Finding } from './fuzz-loop.ts'
import { type FuzzNews, type FuzzOrders, nowBytes, nowWords, type TargetProgress } from './fuzz-message.ts'
import { allTargets } from './targets/all.ts'

const usage = `npm run fuzz -- [options]
  --minutes N     how long; default 1
  --cpu-minutes N until the process has used so much time of processors instead, however busy they are with others
  --runs N        so many inputs for each decoder instead, the same ones for the same seed, and not led by the code reached
  --seed N        of all that is drawn; default: one that was not tried before
  --jobs N        threads, each with a seed of its own; default: half of the processors
  --only NAME     this decoder only; may be given several times: ${allTargets.map(({ name }) => name).join(', ')}
  --keep          unless --runs is given: write the shortest inputs that go all known ways to test/fuzz/corpus
  --replay NAME:HEX   one input, as a finding names it
Exit codes: 0 nothing was found, 1 something was, 2 wrong usage.`

// A run takes well under a millisecond. Counted in looks and not by the clock, so that a stopped process finds nothing.
const lookEveryMs = 500
const looksMax = 60

const endless = 'it does not end'
const options = readOptions()
if (options.replay === undefined) await fuzz()
else await replay(options.replay)

async function fuzz(): Promise<void> {
  const { jobs, seed, runs, minutes, cpuMinutes } = options
  const findings: Finding[] = []
  const startedMs = performance.now()
  const ended = await Promise.all(Array.from({ length: jobs }, (_, job) => runJob(seed + job, findings)))
  const totals = addUp(ended.map(({ targets }) => targets))
  if (options.keep) {
    for (const { name } of totals) {
      const inputs = ended.flatMap(({ kept }) => kept.filter((one) => one.name === name).flatMap((one) => one.inputs))
      writeCorpus(name, unique(inputs))
    }
  }
  for (const { name, runs: count, corpus, characters } of totals) {
    const reached = characters === 0 ? '' : `, ${characters} characters of code reached`
    print(`${name.padEnd(22)} ${String(count).padStart(12)} inputs, ${corpus} kept${reached}`)
  }
  const all = totals.reduce((sum, one) => sum + one.runs, 0)
  const cpu = cpuMinutesUsed()
  const seconds = ((performance.now() - startedMs) / 1_000).toFixed(0)
  const time = minutes === Infinity ? `${cpuMinutes} minutes of CPU` : `${minutes} minutes`
  const much = runs === Infinity ? time : `${runs} runs`
  print(
    `${all} inputs in ${seconds} s, ${cpu} minutes of CPU, seed ${seed} (${much}, ${jobs} jobs): ${findings.length} findings`,
  )
  process.exitCode = findings.length > 0 ? 1 : 0
  // Not process.exit, which joins the threads.
  if (findings.some(({ problem }) => problem === endless)) process.kill(process.pid, 'SIGKILL')
}

interface Ended {
  readonly targets: readonly TargetProgress[]
  readonly kept: readonly { readonly name: string; readonly inputs: readonly Uint8Array[] }[]
}

function runJob(seed: number, findings: Finding[]): Promise<Ended> {
  const now = new SharedArrayBuffer(nowBytes)
  const { only, runs, minutes, cpuMinutes, keep } = options
  const orders: FuzzOrders = { seed, only, runs, minutes, cpuMinutes, keep, now }
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./fuzz-worker.js', import.meta.url), { workerData: orders })
    const stopLooking = watch(now, (finding) => {
      findings.push(finding)
      printFinding(finding)
      stopLooking()
      // A thread that is stuck in native code is not ended by that: it is not waited for.
      void worker.terminate()
      resolve({ targets: [], kept: [] })
    })
    worker.on('message', (news: FuzzNews) => {
      if (news.news === 'found') {
        findings.push(news.finding)
        printFinding(news.finding)
      } else if (news.news === 'progress') {
        const total = news.targets.reduce((sum, one) => sum + one.runs, 0)
        const found = `${findings.length} findings`
        print(`${new Date().toISOString()} seed ${seed}: ${total} inputs, ${cpuMinutesUsed()} minutes of CPU, ${found}`)
      } else {
        stopLooking()
        resolve(news)
      }
    })
    worker.on('error', (error) => {
      stopLooking()
      reject(error)
    })
  })
}

/** Tells of an input that does not come to an end. Gives back what ends the watch. */
function watch(now: SharedArrayBuffer, found: (finding: Finding) => void): () => void {
  const words = new Int32Array(now, 0, nowWords)
  let begun = -1
  let looks = 0
  const timer = setInterval(() => {
    const latest = Atomics.load(words, 0)
    looks = latest === begun ? looks + 1 : 0
    begun = latest
    if (looks < looksMax || latest === 0) return
    const input = new Uint8Array(now, nowWords * 4).slice(0, words[2])
    found({ target: allTargets[words[1] ?? 0]?.name ?? '', input, problem: endless })
  }, lookEveryMs)
  return () => clearInterval(timer)
}

async function replay(text: string): Promise<void> {
  const [name, hex = ''] = text.split(':', 2)
  const target = allTargets.find((one) => one.name === name)
  if (target === undefined) fail(`there is no decoder ${name}`)
  try {
    await target.run(bytesOf(hex))
    print('it holds')
  } catch (error) {
    print(error instanceof Error ? (error.stack ?? error.message) : String(error))
    process.exitCode = 1
  }
}

function printFinding({ target, input, problem }: Finding): void {
  print(`FOUND in ${target}: ${problem}\n  npm run fuzz -- --replay ${target}:${hexOf(input)}`)
}

function cpuMinutesUsed(): string {
  const { user, system } = process.cpuUsage()
  return ((user + system) / 60_000_000).toFixed(1)
}

function addUp(all: readonly (readonly TargetProgress[])[]): TargetProgress[] {
  const sums = new Map<string, TargetProgress>()
  for (const one of all.flat()) {
    const { runs = 0, corpus = 0, characters = 0 } = sums.get(one.name) ?? {}
    sums.set(one.name, {
      name: one.name,
      runs: runs + one.runs,
      corpus: Math.max(corpus, one.corpus),
      characters: Math.max(characters, one.characters),
    })
  }
  return [...sums.values()]
}

function unique(inputs: readonly Uint8Array[]): Uint8Array[] {
  return [...new Map(inputs.map((input) => [hexOf(input), input])).values()]
}

function readOptions() {
  try {
    const { values } = parseArgs({
      options: {
        minutes: { type: 'string' },
        'cpu-minutes': { type: 'string' },
        runs: { type: 'string' },
        seed: { type: 'string' },
        jobs: { type: 'string' },
        only: { type: 'string', multiple: true, default: [] },
        keep: { type: 'boolean', default: false },
        replay: { type: 'string' },
      },
    })
    const unknown = values.only.find((name) => !allTargets.some((target) => target.name === name))
    if (unknown !== undefined) throw new Error(`there is no decoder ${unknown}`)
    const { only, keep, replay, minutes, runs, 'cpu-minutes': cpuMinutes } = values
    return {
      only,
      keep,
      replay,
      runs: runs === undefined ? Infinity : positive('runs', runs),
      minutes:
        minutes === undefined ? ((runs ?? cpuMinutes) === undefined ? 1 : Infinity) : positive('minutes', minutes),
      cpuMinutes: cpuMinutes === undefined ? Infinity : positive('cpu-minutes', cpuMinutes),
      seed: values.seed === undefined ? Math.floor(Date.now() / 1_000) : positive('seed', values.seed),
      jobs: values.jobs === undefined ? Math.max(1, availableParallelism() >> 1) : positive('jobs', values.jobs),
    }
  } catch (error) {
    return fail(error instanceof Error ? error.message : String(error))
  }
}

function positive(name: string, text: string): number {
  const number = Number(text)
  if (!(number > 0)) throw new Error(`--${name} wants a number above 0`)
  return number
}

function fail(message: string): never {
  process.stderr.write(`${message}\n\n${usage}\n`)
  process.exit(2)
}

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}
