import { child, type ChildSpec, genServer, type Pid, supervisor, supervisorBehavior } from '@skerry/core'
import type { ExitReason, SupervisorProtocol, SupervisorSpec } from '@skerry/core'
import {
  array,
  assert,
  type AsyncCommand,
  asyncModelRun,
  asyncProperty,
  boolean,
  commands,
  constant,
  constantFrom,
  nat,
  oneof,
  record,
  tuple,
} from 'fast-check'
import { expect, it } from 'vitest'
import { type ManualNode, startManualNode } from '../fixtures/manual-node.ts'
import {
  isTree,
  type Life,
  type Shown,
  type Spec,
  SupervisorModel,
  type TreeSpec,
  withinMs,
} from './supervisor-model.ts'

/** What the leaves did, and which of their next inits fail. */
interface Diary {
  readonly log: string[]
  readonly failures: Map<string, number>
}

const leaf = genServer({
  name: 'leaf',
  trapExit: true,
  init: (_ctx, id: string, diary: Diary) => {
    diary.log.push(`${id} starts`)
    const failures = diary.failures.get(id) ?? 0
    if (failures > 0) {
      diary.failures.set(id, failures - 1)
      throw new RangeError(`${id} can not start`)
    }
    return { id, diary }
  },
  call: {
    end: (ctx, how: 'normal' | 'shutdown' | 'crash') => {
      if (how === 'crash') throw new RangeError('crash')
      return ctx.stop(how, undefined)
    },
  },
  terminate: ({ state }, reason: ExitReason) => {
    state.diary.log.push(`${state.id} ends ${typeof reason === 'string' ? reason : 'crash'}`)
  },
})

type Leaf = Pid<{ call: { end(how: string): void }; cast: object }>
type Tree = Pid<SupervisorProtocol>

class World {
  readonly manual: ManualNode
  readonly diary: Diary
  readonly #root: Tree
  readonly #actorsBefore: number

  constructor(manual: ManualNode, diary: Diary, root: Tree, actorsBefore: number) {
    this.manual = manual
    this.diary = diary
    this.#root = root
    this.#actorsBefore = actorsBefore
  }

  async call<Verb extends keyof SupervisorProtocol['call']>(
    tree: Tree,
    verb: Verb,
    args: Parameters<SupervisorProtocol['call'][Verb]>,
  ): Promise<ReturnType<SupervisorProtocol['call'][Verb]>> {
    const { manual } = this
    return (await manual.settled(manual.node.call(tree, verb as 'restartChild', args as [string]))) as ReturnType<
      SupervisorProtocol['call'][Verb]
    >
  }

  /** The actor that the model has there now. */
  async find(life: Life): Promise<Pid> {
    if (life.parent === undefined) return this.#root
    const infos = await this.call((await this.find(life.parent)) as Tree, 'whichChildren', [])
    return infos.find(({ id }) => id === life.member.spec.id)?.pid as Pid
  }

  async show(tree: Tree = this.#root): Promise<Shown[]> {
    const shown: Shown[] = []
    for (const { id, pid, type, status } of await this.call(tree, 'whichChildren', [])) {
      const children = type === 'supervisor' && pid !== undefined ? await this.show(pid as Tree) : undefined
      shown.push({ id, status: status as Shown['status'], ...(children !== undefined && { children }) })
    }
    return shown
  }

  async actors(): Promise<number> {
    return (await actorCount(this.manual)) - this.#actorsBefore
  }

  /** Who runs, in what order starts and ends happened, and how many restarts were counted. Nobody else lives. */
  async check(model: SupervisorModel, isOrdered = true): Promise<void> {
    await this.manual.platform.settle()
    const events = this.diary.log.splice(0)
    const expected = model.log
    model.log = []
    if (isOrdered) expect(events).toEqual(expected)
    else expect(events.toSorted(byText)).toEqual(expected.toSorted(byText))
    if (model.root !== undefined) expect(await this.show()).toEqual(model.show())
    expect({ actors: await this.actors(), restarts: this.manual.node.counters().restarts }).toEqual({
      actors: model.size,
      restarts: model.restarts,
    })
  }
}

const byText = (left: string, right: string): number => (left < right ? -1 : left > right ? 1 : 0)

async function actorCount({ settled, node }: ManualNode): Promise<number> {
  const [main] = await settled(node.threads())
  return main?.stats?.actors as number
}

function childOf(spec: Spec, diary: Diary): ChildSpec {
  const { id, restart, significant, brutal } = spec
  const options = { restart, significant, ...(brutal && { shutdownMs: 'kill' as const }) }
  if (isTree(spec)) return supervisor(id, supervisorOf(spec, diary), { restart, significant })
  return child(id, leaf, [id, diary], options)
}

function supervisorOf({ strategy, autoShutdown, maxRestarts, children }: TreeSpec, diary: Diary): SupervisorSpec {
  const intensity = { maxRestarts, withinMs }
  return { strategy, autoShutdown, intensity, children: children.map((one) => childOf(one, diary)) }
}

type Command = AsyncCommand<SupervisorModel, World, boolean>
type Picks = readonly [number, number]

const isUp = (model: Readonly<SupervisorModel>): boolean => model.root !== undefined
const pick = <T>(from: readonly T[], index: number): T | undefined => from[index % Math.max(1, from.length)]

/** A leaf that runs ends. */
class End implements Command {
  readonly how: 'normal' | 'shutdown' | 'crash' | 'kill'
  readonly at: number
  constructor(how: 'normal' | 'shutdown' | 'crash' | 'kill', at: number) {
    this.how = how
    this.at = at
  }
  check = isUp
  async run(model: SupervisorModel, world: World): Promise<void> {
    const leaves = model.trees.flatMap(({ members }) => members.filter((one) => !isTree(one.spec)))
    const life = pick(leaves, this.at)?.life
    if (life === undefined) return
    const pid = (await world.find(life)) as Leaf
    model.end(life, this.how)
    const { node, settled } = world.manual
    if (this.how === 'kill') node.exit(pid, 'kill')
    else await settled(node.call(pid, 'end', [this.how]).catch(() => undefined))
    await world.check(model)
  }
  toString = (): string => `${this.how}(${this.at})`
}

class KillTree implements Command {
  readonly at: number
  constructor(at: number) {
    this.at = at
  }
  check = isUp
  async run(model: SupervisorModel, world: World): Promise<void> {
    // Not the root, as a rule: nothing happens after that.
    const life = this.at === 0 ? model.root : pick(model.trees.slice(1), this.at)
    if (life === undefined) return
    const pid = await world.find(life)
    model.killTree(life)
    world.manual.node.exit(pid, 'kill')
    // Its children hear of it while others may be started already.
    await world.check(model, false)
  }
  toString = (): string => `killTree(${this.at})`
}

/** Its next inits fail. */
class Fail implements Command {
  readonly at: number
  readonly times: number
  constructor(at: number, times: number) {
    this.at = at
    this.times = times
  }
  check = isUp
  run(model: SupervisorModel, world: World): Promise<void> {
    const leaves = model.trees.flatMap(({ members }) => members.filter((one) => !isTree(one.spec)))
    const id = pick(leaves, this.at)?.spec.id
    if (id === undefined) return Promise.resolve()
    for (const failures of [model.failures, world.diary.failures]) failures.set(id, this.times)
    return Promise.resolve()
  }
  toString = (): string => `fail(${this.at}, ${this.times} times)`
}

class Advance implements Command {
  readonly ms: number
  constructor(ms: number) {
    this.ms = ms
  }
  check = isUp
  async run(model: SupervisorModel, world: World): Promise<void> {
    model.nowMs += this.ms
    await world.manual.platform.advance(this.ms)
    await world.check(model)
  }
  toString = (): string => `advance(${this.ms})`
}

/** Somebody changes a supervisor by hand. */
class Change implements Command {
  readonly verb: 'terminateChild' | 'restartChild' | 'deleteChild'
  readonly picks: Picks
  constructor(verb: 'terminateChild' | 'restartChild' | 'deleteChild', picks: Picks) {
    this.verb = verb
    this.picks = picks
  }
  check = isUp
  async run(model: SupervisorModel, world: World): Promise<void> {
    const life = pick(model.trees, this.picks[0]) as Life
    const member = pick(life.members, this.picks[1])
    if (member === undefined) return
    const tree = (await world.find(life)) as Tree
    const expected = model[this.verb](life, member)
    const answer = await world.call(tree, this.verb, [member.spec.id]).then(() => 'ok', codeOf)
    expect([this.verb, answer]).toEqual([this.verb, expected])
    await world.check(model)
  }
  toString = (): string => `${this.verb}(${this.picks.join(', ')})`
}

class Add implements Command {
  readonly at: number
  readonly spec: Spec
  constructor(at: number, spec: Spec) {
    this.at = at
    this.spec = spec
  }
  check = isUp
  async run(model: SupervisorModel, world: World): Promise<void> {
    const life = pick(model.trees, this.at) as Life
    const tree = (await world.find(life)) as Tree
    const expected = model.startChild(life, this.spec)
    const spec = childOf(this.spec, world.diary)
    const answer = await world.call(tree, 'startChild', [spec]).then(() => 'ok', codeOf)
    expect(answer).toBe(expected)
    await world.check(model)
  }
  toString = (): string => `startChild(${this.at}, ${this.spec.id})`
}

const codeOf = (error: { code: string }): string => error.code

// --- what is drawn ---

const leaves = record({
  restart: constantFrom('permanent', 'permanent', 'transient', 'temporary'),
  significant: boolean(),
  brutal: constantFrom(false, false, false, true),
})
const rules = record({
  strategy: constantFrom('oneForOne', 'oneForAll', 'restForOne'),
  autoShutdown: constantFrom('never', 'never', 'never', 'anySignificant', 'allSignificant'),
  maxRestarts: constantFrom(0, 1, 3, 20, 20),
})
type Drawn = Omit<TreeSpec, 'id' | 'children'> & { readonly children: readonly Drawn[] | undefined }
const below = (children: readonly Drawn[] | undefined) => constant({ children })
const drawnLeaf = tuple(leaves, rules, below(undefined)).map((parts) => Object.assign({}, ...parts) as Drawn)
const treeOf = (drawn: typeof drawnLeaf, maxLength: number) =>
  tuple(leaves, rules, record({ children: array(drawn, { minLength: 1, maxLength }) })).map(
    (parts) => Object.assign({}, ...parts) as Drawn,
  )
const small = treeOf(drawnLeaf, 3)
const large = treeOf(oneof({ arbitrary: drawnLeaf, weight: 3 }, { arbitrary: small, weight: 1 }), 4)

/** Gives every child an id, and takes away what a supervisor would refuse. */
function named({ children, ...drawn }: Drawn, id: string, parent: TreeSpec['autoShutdown']): Spec {
  const { restart, significant, brutal, ...its } = drawn
  const own = { id, restart, brutal, significant: significant && restart !== 'permanent' && parent !== 'never' }
  if (children === undefined) return own
  const named_ = children.map((one, index) => named(one, `${id}${'abcd'[index]}`, drawn.autoShutdown))
  return { ...own, ...its, brutal: false, children: named_ }
}

// A root that gives up ends the run, so it is slow to.
const roots = large.map(
  (drawn) => ({ ...named(drawn, '', 'never'), maxRestarts: (drawn.maxRestarts + 1) * 5 }) as TreeSpec,
)
const added = tuple(nat(9), oneof(drawnLeaf, small)).map(([number, drawn]) => named(drawn, `n${number}`, 'never'))
const sequences = commands<SupervisorModel, World, boolean>(
  [
    tuple(constantFrom('normal', 'shutdown', 'crash', 'crash', 'kill'), nat(20)).map(([how, at]) => new End(how, at)),
    tuple(constantFrom('crash', 'kill'), nat(20)).map(([how, at]) => new End(how, at)),
    nat(10).map((at) => new KillTree(at)),
    tuple(nat(20), nat(4)).map(([at, times]) => new Fail(at, times)),
    constantFrom(100, 2_500, 5_000, 5_001).map((ms) => new Advance(ms)),
    tuple(constantFrom('terminateChild', 'restartChild', 'deleteChild'), tuple(nat(5), nat(5))).map(
      ([verb, picks]) => new Change(verb, picks),
    ),
    tuple(nat(5), added).map(([at, spec]) => new Add(at, spec)),
  ],
  { maxCommands: 40, size: 'max' },
)

it('S1, S2, S3, S4, S5, S6, S8, S9 [local]: trees of supervisors do what the model says, whatever happens to them', async () => {
  await assert(
    asyncProperty(roots, sequences, async (root, all) => {
      const manual = await startManualNode()
      const diary: Diary = { log: [], failures: new Map() }
      const before = await actorCount(manual)
      const pid = await manual.settled(manual.node.start(supervisorBehavior('root', supervisorOf(root, diary)), []))
      const model = new SupervisorModel(root)
      const world = new World(manual, diary, pid, before)
      await world.check(model)
      await asyncModelRun(() => ({ model, real: world }), all)
      await manual.settled(manual.node.stop())
    }),
    { numRuns: 150 },
  )
}, 120_000)
