import { describe, expect, it } from 'vitest'
import { disagreement, observe, type ObservedNode } from './peer-links-observed.ts'
import { addressOf, type Delays, seededRandom, World } from './peer-links-world.ts'

// The one promise that no example can show: whatever overtakes whatever, each pair ends with the same one link.

describe('two nodes that dial each other at once', () => {
  const delayChoices = [1, 40]
  const cuts: { link: number; atMs: number }[] = [{ link: -1, atMs: 0 }]
  for (const link of [0, 1]) for (const atMs of [20, 60, 100]) cuts.push({ link, atMs })

  for (const lanes of [1, 2]) {
    it(`end with the same one link under every order of dials, hellos ${lanes === 1 ? 'on one lane' : 'and one cut'}`, async () => {
      const wrong: string[] = []
      let crossed = 0
      for (let code = 0; code < 2 ** 8; code += 1) {
        for (const cut of lanes === 1 ? cuts.slice(0, 1) : cuts) {
          const result = await run(code, cut, lanes)
          crossed += result.crossed
          for (const text of result.wrong) wrong.push(`delays ${code}, cut ${cut.link}@${cut.atMs}: ${text}`)
        }
      }
      expect(wrong).toEqual([])
      // Otherwise the test would not have tried what it is for.
      expect(crossed).toBeGreaterThan(100)
    }, 120_000)
  }

  async function run(code: number, cut: { link: number; atMs: number }, lanes: number) {
    // Eight delays, one bit each; the two first links differ, later ones are quick.
    const choose = (bit: number): number => delayChoices[(code >> bit) & 1] as number
    const of = (link: number, bit: number): number => (link > 1 ? 1 : choose(link * 4 + bit))
    const delays: Delays = {
      dialled: (link) => of(link, 0),
      accepted: (link) => of(link, 1),
      // Frames overtake the handshake where the transport has a lane for them.
      frame: (link, forward, lane) => (lane === 1 ? 1 : of(link, forward ? 2 : 3)),
      closed: (link, forward) => 2 * of(link, forward ? 2 : 3),
    }
    const world = new World({ random: seededRandom(code + 1), delays, lanes })
    const upAt: number[] = []
    const on = { up: () => void upAt.push(world.now) }
    const [a, b] = [observe({ world, node: 'a', on }), observe({ world, node: 'b', on })]
    await Promise.all([a.links.start(), b.links.start()])
    a.links.addSeed(addressOf('b'))
    b.links.addSeed(addressOf('a'))
    const chatter = (): void => {
      a.sendNumbered('b')
      b.sendNumbered('a')
      if (world.now < 800) world.after(11, chatter)
    }
    chatter()
    world.after(cut.atMs, () => world.links[cut.link]?.sever(delays))
    await world.pass(2_200)
    const wrong = [...a.broken, ...b.broken, ...disagreement(world, a, b)]
    if (cut.link < 0) {
      // Nothing broke, so the first link to come up must be the one that stays, and come up without a retry.
      if (upAt.length !== 2 || upAt.some((atMs) => atMs > 200)) wrong.push(`up at ${upAt.join()}`)
      if (world.links.length > 2) wrong.push(`${world.links.length} dials`)
    }
    const { duplicateRefusals, linksDropped } = a.links.counters
    await stop(world, a)
    await stop(world, b)
    return { wrong, crossed: Math.min(1, duplicateRefusals + b.links.counters.duplicateRefusals + linksDropped) }
  }
})

describe('many nodes', () => {
  it.each([
    { lanes: 2, seeds: 30 },
    { lanes: 1, seeds: 15 },
  ])(
    'each pair ends with the same one link after cuts, silence and restarts, and no frame is out of order ($lanes lanes)',
    async ({ lanes, seeds }) => {
      const wrong: string[] = []
      const total = { superseded: 0, duplicates: 0, overloaded: 0, cuts: 0, restarts: 0 }
      for (let seed = 1; seed <= seeds; seed += 1) {
        for (const text of await chaos(seed, lanes, total)) wrong.push(`seed ${seed}: ${text}`)
      }
      expect(wrong).toEqual([])
      for (const [what, count] of Object.entries(total)) expect(count, what).toBeGreaterThan(10)
    },
    300_000,
  )
})

async function chaos(
  seed: number,
  lanes: number,
  total: { superseded: number; duplicates: number; overloaded: number; cuts: number; restarts: number },
): Promise<string[]> {
  const random = seededRandom(seed)
  const slow = (): number => (random() < 0.1 ? random() * 800 : random() * 60)
  const delays: Delays = {
    dialled: slow,
    accepted: slow,
    frame: slow,
    // A third of the cuts one end never notices: only the heartbeat does, or the peer's next hello.
    closed: () => (random() < 0.3 ? Infinity : slow()),
  }
  const world = new World({ random, delays, lanes, window: 3 })
  const names = ['a', 'b', 'c']
  const settings = { backlogBytesMax: 2_000, otherSideDialMs: random() < 0.5 ? 0 : 1_000 }
  const broken: string[] = []
  const nodes = new Map<string, ObservedNode>()
  let life = 0

  const boot = async (name: string): Promise<void> => {
    life += 1
    const node = observe({ world, node: name, life, settings })
    nodes.set(name, node)
    await node.links.start()
    for (const other of names) {
      if (other === name) continue
      if (random() < 0.5) node.links.addSeed(addressOf(other))
      else node.links.learn(addressOf(other), other)
    }
  }
  const retire = (node: ObservedNode): void => {
    const { counters } = node.links
    broken.push(...node.broken)
    if (counters.linksUp < counters.linksDown) broken.push(`${node.node} went down more often than up`)
    total.superseded += node.events.filter((event) => event.endsWith('superseded')).length
    total.duplicates += counters.duplicateRefusals
    total.overloaded += counters.framesOverloaded
  }

  let chaotic = true
  let talking = true
  const chatter = (): void => {
    const from = nodes.get(pick(names)) as ObservedNode
    const to = pick(names)
    for (let count = Math.floor(random() * 40); count > 0 && to !== from.node; count -= 1) from.sendNumbered(to)
    if (talking) world.after(random() * 50, chatter)
  }
  const trouble = (): void => {
    if (!chaotic) return
    const open = world.links.filter(({ isOpen }) => isOpen)
    const victim = open[Math.floor(random() * open.length)]
    if (random() < 0.8) {
      total.cuts += 1
      victim?.sever(delays)
    } else {
      total.restarts += 1
      const node = nodes.get(pick(names)) as ObservedNode
      retire(node)
      if (random() < 0.5) node.transport.kill()
      void node.links.stop('restart')
      void boot(node.node)
    }
    world.after(random() * 3_000, trouble)
  }
  const pick = (from: string[]): string => from[Math.floor(random() * from.length)] as string

  for (const name of names) await boot(name)
  chatter()
  world.after(random() * 2_000, trouble)
  await world.pass(15_000)
  chaotic = false
  await world.pass(25_000)
  talking = false
  await world.pass(20_000)

  const [a, b, c] = names.map((name) => nodes.get(name) as ObservedNode) as [ObservedNode, ObservedNode, ObservedNode]
  const wrong = [...disagreement(world, a, b), ...disagreement(world, a, c), ...disagreement(world, b, c)]
  for (const node of [a, b, c]) {
    retire(node)
    await stop(world, node)
    const { linksUp, linksDown } = node.links.counters
    if (linksUp !== linksDown) wrong.push(`${node.node}: ${linksUp} times up, ${linksDown} times down`)
  }
  return [...wrong, ...broken]
}

async function stop(world: World, node: ObservedNode): Promise<void> {
  const stopped = node.links.stop('over')
  await world.pass(1_000)
  await stopped
}
