import { type DownMessage, type ExitMessage, type Pid, samePid } from '@skerry/core'
import {
  assert,
  type AsyncCommand,
  asyncModelRun,
  asyncProperty,
  boolean,
  commands,
  constantFrom,
  nat,
  tuple,
} from 'fast-check'
import { expect, it } from 'vitest'
import { type ManualNode, startManualNode } from '../fixtures/manual-node.ts'
import { type Puppet, startPuppet } from '../fixtures/puppet.ts'
import { LinkModel } from './link-model.ts'

class World {
  readonly manual: ManualNode
  readonly puppets: Puppet[] = []

  constructor(manual: ManualNode) {
    this.manual = manual
  }

  at(index: number): Puppet {
    return this.puppets[index] as Puppet
  }

  /** Has the actor do something, which may be its end. */
  async do(index: number, act: Parameters<Puppet['do']>[0]): Promise<void> {
    await this.manual.settled(
      this.at(index)
        .do(act)
        .catch(() => undefined),
    )
    await this.manual.platform.settle()
  }

  async check(model: LinkModel): Promise<void> {
    for (const [index, expected] of model.actors.entries()) {
      const puppet = this.at(index)
      const reason = await this.manual.settled(this.isAlive(puppet.pid))
      expect([index, reason]).toEqual([index, expected.alive])
      if (!expected.alive) continue
      const seen: string[] = []
      while (puppet.waiting > 0) seen.push(this.print((await puppet.next()) as DownMessage | ExitMessage))
      expect([index, seen.sort(byText)]).toEqual([index, expected.inbox.sort(byText)])
      expected.inbox = []
    }
  }

  async isAlive(pid: Puppet['pid']): Promise<boolean> {
    return await this.manual.node.call(pid, 'perform', [() => true]).then(
      () => true,
      () => false,
    )
  }

  print(message: DownMessage | ExitMessage): string {
    const from: Pid = message.type === 'DOWN' ? message.pid : message.from
    return `${message.type} ${this.puppets.findIndex(({ pid }) => samePid(pid, from))} ${typeof message.reason === 'string' ? message.reason : JSON.stringify(message.reason)}`
  }
}

const byText = (left: string, right: string): number => (left < right ? -1 : left > right ? 1 : 0)

type Command = AsyncCommand<LinkModel, World, boolean>

class Spawn implements Command {
  readonly traps: boolean
  constructor(traps: boolean) {
    this.traps = traps
  }
  // Few at a time, so that the same two meet again and again.
  check = (model: Readonly<LinkModel>): boolean => model.living.length < 4
  async run(model: LinkModel, world: World): Promise<void> {
    model.spawn(this.traps)
    world.puppets.push(await world.manual.settled(startPuppet(world.manual.node, { trapExit: this.traps })))
    await world.check(model)
  }
  toString = (): string => (this.traps ? 'spawn(traps)' : 'spawn')
}

type Verb = 'link' | 'unlink' | 'monitor' | 'boom' | 'shutdown' | 'normal' | 'kill'

class Act implements Command {
  readonly verb: Verb
  readonly picks: readonly [number, number]
  constructor(verb: Verb, picks: readonly [number, number]) {
    this.verb = verb
    this.picks = picks
  }
  check = (model: Readonly<LinkModel>): boolean => model.living.length > 0
  async run(model: LinkModel, world: World): Promise<void> {
    const one = model.living[this.picks[0] % model.living.length] as number
    const recent = Math.min(5, model.actors.length)
    const other = model.actors.length - 1 - (this.picks[1] % recent)
    const { pid } = world.at(other)
    const { verb } = this
    if (verb === 'link' || verb === 'unlink' || verb === 'monitor') {
      model[verb](one, other)
      await world.do(one, (ctx) => ctx[verb](pid))
    } else {
      model.exit(one, other, verb)
      await world.do(one, (ctx) => ctx.exit(pid, verb))
    }
    await world.check(model)
  }
  toString = (): string => `${this.verb}(${this.picks.join(', ')})`
}

const verbs: readonly Verb[] = ['link', 'link', 'link', 'unlink', 'monitor', 'boom', 'shutdown', 'normal', 'kill']
const sequences = commands<LinkModel, World, boolean>(
  [
    boolean().map((traps) => new Spawn(traps)),
    tuple(constantFrom(...verbs), tuple(nat(50), nat(50))).map(([verb, picks]) => new Act(verb, picks)),
  ],
  { maxCommands: 60, size: 'max' },
)

it('L1, L2, L4, L5, L7, L8, L10, L11 [local]: links, monitors and exits do what the model says, whatever the order', async () => {
  await assert(
    asyncProperty(sequences, async (all) => {
      const manual = await startManualNode()
      await asyncModelRun(() => ({ model: new LinkModel(), real: new World(manual) }), all)
      await manual.settled(manual.node.stop())
    }),
    { numRuns: 150 },
  )
}, 60_000)
