import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { createIdentity } from '@skerry/transport-libp2p'
import type { Done, Release } from './deploy-app.ts'
import type { DeployPlace, FromDeployed, ToDeployed } from './deploy-message.ts'
import { freePort } from './free-port.ts'

/** What a deploy may change. */
export interface Deploy {
  readonly release: Release
  readonly secrets: readonly string[]
}

interface Waiting {
  resolve(value: Done | number): void
  reject(error: Error): void
}

interface Machine {
  readonly place: Omit<DeployPlace, keyof Deploy>
  process: ChildProcess
  release: Release
  /** Whether it is given work. */
  takesWork: boolean
  node: string
  life: number
  readonly waiting: Map<number, Waiting>
}

/** What became of the calls, each counted once. */
export interface Tally {
  calls: number
  /** By the release of the caller and that of the node that answered: `1>2`. */
  readonly served: Map<string, number>
  readonly failures: string[]
}

const nodeProcess = fileURLToPath(new URL('deploy-process.js', import.meta.url))

/** Two regions of two nodes, each a process, which are all the time asked for work: half of the calls in each region. */
export class DeployedCluster {
  readonly tally: Tally = { calls: 0, served: new Map(), failures: [] }
  readonly #machines: readonly Machine[]
  readonly #unsettled = new Set<Promise<void>>()
  #refs = 0
  #traffic: NodeJS.Timeout | undefined

  private constructor(machines: readonly Machine[]) {
    this.#machines = machines
  }

  static async start(deploy: Deploy): Promise<DeployedCluster> {
    const regions = ['syd', 'syd', 'lax', 'lax']
    const ports = await Promise.all(regions.map(() => freePort()))
    const machines = await Promise.all(
      regions.map(async (region, at) => {
        const { privateKey } = await createIdentity()
        const otherRegion = region === 'syd' ? 'lax' : 'syd'
        const seedPorts = ports.filter((_, other) => other !== at)
        return begin({ region, otherRegion, privateKey, port: ports[at] as number, seedPorts }, deploy)
      }),
    )
    const cluster = new DeployedCluster(machines)
    for (const machine of machines) await cluster.#known(machine)
    return cluster
  }

  /** Asks for work so often, in both regions, until `quiet`. */
  ask(callsPerSecond: number): void {
    const startedMs = performance.now()
    let asked = 0
    this.#traffic = setInterval(() => {
      for (; asked < ((performance.now() - startedMs) / 1_000) * callsPerSecond; asked += 1) this.#askOnce(asked)
    }, 5)
  }

  /** No further call; resolves when each has its answer. */
  async quiet(): Promise<void> {
    clearInterval(this.#traffic)
    await Promise.all(this.#unsettled)
  }

  /** Every node anew, one after the other: the next when all the others know the one before. Gives the exit codes. */
  async roll(deploy: Deploy): Promise<(number | null)[]> {
    const codes: (number | null)[] = []
    for (const machine of this.#machines) {
      // As a load balancer would: first no new requests, then the signal. What it has is in hand.
      machine.takesWork = false
      machine.process.kill('SIGTERM')
      const [code] = (await once(machine.process, 'exit')) as [number | null]
      codes.push(code)
      Object.assign(machine, await begin(machine.place, deploy))
      await this.#known(machine)
    }
    return codes
  }

  async stop(): Promise<void> {
    clearInterval(this.#traffic)
    for (const { process: one } of this.#machines) {
      if (one.exitCode !== null || one.signalCode !== null) continue
      const ended = once(one, 'exit')
      one.kill('SIGKILL')
      await ended
    }
  }

  #askOnce(index: number): void {
    const region = index % 2 === 0 ? 'syd' : 'lax'
    const able = this.#machines.filter(({ place, takesWork }) => takesWork && place.region === region)
    const machine = able[Math.floor(index / 2) % able.length]
    this.tally.calls += 1
    if (machine === undefined) {
      this.tally.failures.push(`no node of ${region} takes work`)
      return
    }
    const { release } = machine
    const asking = this.#say(machine, { type: 'work', ref: 0, ms: 1 + (index % 40) }).then(
      (done) => {
        const who = `${release}>${(done as Done).release}`
        this.tally.served.set(who, (this.tally.served.get(who) ?? 0) + 1)
      },
      (error: unknown) => void this.tally.failures.push(`${region} ${release}: ${String(error)}`),
    )
    this.#unsettled.add(asking)
    void asking.then(() => this.#unsettled.delete(asking))
  }

  /** Resolves when every node reaches this life of it. */
  async #known({ node, life }: Machine): Promise<void> {
    for (const other of this.#machines) {
      for (let left = 400; ; left -= 1) {
        const told = await this.#say(other, { type: 'lifeOf', ref: 0, node }).catch((error: unknown) => String(error))
        if (told === life) break
        if (left <= 0) throw new Error(`${other.node} does not know the new life of ${node}: ${JSON.stringify(told)}`)
        await sleep(25)
      }
    }
  }

  #say(machine: Machine, message: ToDeployed): Promise<Done | number> {
    const ref = (this.#refs += 1)
    return new Promise((resolve, reject) => {
      machine.waiting.set(ref, { resolve, reject })
      machine.process.send({ ...message, ref }, (error) => {
        if (error === null) return
        machine.waiting.delete(ref)
        reject(error)
      })
    })
  }
}

async function begin(place: Machine['place'], deploy: Deploy): Promise<Machine> {
  const told: DeployPlace = { ...place, ...deploy }
  const child = fork(nodeProcess, [JSON.stringify(told)], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  const waiting: Machine['waiting'] = new Map()
  const { node, life } = await new Promise<{ node: string; life: number }>((resolve, reject) => {
    child.on('message', (message: FromDeployed) => {
      if (message.type === 'up') {
        resolve(message)
        return
      }
      const one = waiting.get(message.ref)
      waiting.delete(message.ref)
      if (message.type === 'done') one?.resolve(message.value)
      else one?.reject(new Error(message.why))
    })
    child.on('exit', (code, signal) => {
      const error = new Error(`the process ended (${code ?? signal}) before its answer came`)
      reject(error)
      for (const one of waiting.values()) one.reject(error)
      waiting.clear()
    })
  })
  return { place, process: child, release: deploy.release, takesWork: true, node, life, waiting }
}
