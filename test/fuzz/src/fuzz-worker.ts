// One thread of fuzzing: every decoder in turn, until its time or its runs are over.
import { parentPort, workerData } from 'node:worker_threads'
import { readCorpus } from './corpus.ts'
import { Coverage } from './coverage.ts'
import { seededDraw } from './draw.ts'
import { FuzzLoop } from './fuzz-loop.ts'
import { type FuzzNews, type FuzzOrders, type Kept, nowWords, type TargetProgress } from './fuzz-message.ts'
import { inputBytesMax } from './mutate.ts'
import { allTargets } from './targets/all.ts'

const sliceRuns = 2_000
const progressEveryMs = 60_000

async function main(orders: FuzzOrders): Promise<void> {
  const words = new Int32Array(orders.now, 0, nowWords)
  const bytes = new Uint8Array(orders.now, nowWords * 4)
  const targets = allTargets.filter(({ name }) => orders.only.length === 0 || orders.only.includes(name))
  const coverage = orders.runs === Infinity ? new Coverage() : undefined
  const loops = targets.map(
    (target, index) =>
      new FuzzLoop({
        target,
        corpus: readCorpus(target.name),
        draw: seededDraw(orders.seed * 31 + index),
        coverage,
        begin: (input) => {
          bytes.set(input.subarray(0, inputBytesMax))
          words[1] = allTargets.indexOf(target)
          words[2] = Math.min(input.length, inputBytesMax)
          Atomics.add(words, 0, 1)
        },
        found: (finding) => tell({ news: 'found', finding }),
      }),
  )
  const progress = (): TargetProgress[] =>
    loops.map(({ name, runs, corpus, characters }) => ({ name, runs, corpus: corpus.length, characters }))
  const endMs = performance.now() + orders.minutes * 60_000
  let toldMs = performance.now()
  for (const loop of loops) await loop.begin()
  const isOver = (): boolean => performance.now() >= endMs || cpuMinutes() >= orders.cpuMinutes
  for (let runs = 0; runs < orders.runs && !isOver(); runs += sliceRuns) {
    for (const loop of loops) await loop.go(Math.min(sliceRuns, orders.runs - runs))
    if (performance.now() - toldMs < progressEveryMs) continue
    toldMs = performance.now()
    tell({ news: 'progress', targets: progress() })
  }
  const targetsDone = progress()
  const kept: Kept[] = []
  if (orders.keep && coverage !== undefined) {
    for (const loop of loops) kept.push({ name: loop.name, inputs: await loop.distill(coverage) })
  }
  tell({ news: 'done', targets: targetsDone, kept })
}

function cpuMinutes(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 60_000_000
}

function tell(news: FuzzNews): void {
  parentPort?.postMessage(news)
}

await main(workerData as FuzzOrders)
