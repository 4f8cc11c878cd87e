import { expect, it } from 'vitest'
import { StreamRun } from './stream-run.ts'

const seeds = 100

it('the ends of a stream agree, whatever passes when and whatever breaks', async () => {
  const seen = new Set<string>()
  const complaints: string[] = []
  for (let seed = 1; seed <= seeds; seed += 1) {
    const run = new StreamRun(seed)
    await run.run()
    complaints.push(...run.complaints.map((complaint) => `seed ${seed}: ${complaint}`))
    for (const what of run.seen) seen.add(what)
  }
  expect(complaints).toEqual([])
  // So that it shows something.
  for (const what of ['it ended', 'it was left', 'it was refused', 'a link was lost', 'its process was killed']) {
    expect(seen).toContain(what)
  }
}, 60_000)
