import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { CallFailure, Command, Look, ProcessConfig, Report } from './control-message.ts'

/** What came of a call, with the time that it took in the process that made it. */
export type Answer =
  | { readonly ok: true; readonly value: unknown; readonly ms: number }
  | { readonly ok: false; readonly failure: CallFailure; readonly ms: number }

export interface CallOptions {
  readonly timeoutMs?: number
  readonly idempotencyKey?: string
}

// No step of the demo may wait longer for a process than this.
const patienceMs = 15_000

/** A region's process, as main.ts drives it. */
export class RegionHandle {
  readonly region: string
  readonly node: string
  readonly life: number
  readonly addresses: readonly string[]
  /** Resolves with the exit code or the signal that ended the process. */
  readonly exited: Promise<number | string>
  readonly #child: ChildProcess
  readonly #waiting = new Map<number, (report: Report | Error) => void>()
  #nextId = 1

  private constructor(child: ChildProcess, region: string, up: Extract<Report, { kind: 'up' }>) {
    this.#child = child
    this.region = region
    this.node = up.node
    this.life = up.life
    this.addresses = up.addresses
    this.exited = new Promise((resolve) => child.once('exit', (code, signal) => resolve(signal ?? code ?? 0)))
    void this.exited.then((end) => {
      for (const settle of this.#waiting.values()) settle(new Error(`${region} ended (${end}) before it answered`))
    })
  }

  /** Starts the process and waits until its node is up. */
  static start(
    config: ProcessConfig,
    onTable: (regions: readonly string[]) => void,
    onLog: (message: string) => void,
  ): Promise<RegionHandle> {
    const entry = fileURLToPath(new URL('./region-process.js', import.meta.url))
    const child = fork(entry, [JSON.stringify(config)], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`${config.region} did not come up in ${patienceMs} ms`)),
        patienceMs,
      )
      let handle: RegionHandle | undefined
      child.once('exit', (code) => reject(new Error(`${config.region} ended (${code}) before it was up`)))
      child.on('message', (report: Report) => {
        if (report.kind === 'up') {
          clearTimeout(timer)
          handle = new RegionHandle(child, config.region, report)
          resolve(handle)
        } else if (report.kind === 'failed') {
          clearTimeout(timer)
          reject(new Error(`${config.region}: ${report.message}`))
        } else if (report.kind === 'table') onTable(report.regions)
        else if (report.kind === 'log') onLog(report.message)
        else if (handle !== undefined) handle.#take(report)
      })
    })
  }

  /** Runs a procedure by region from this process. */
  async call(
    region: string,
    procedure: { readonly name: string },
    input: unknown,
    options: CallOptions = {},
  ): Promise<Answer> {
    const { timeoutMs = 5_000, idempotencyKey } = options
    const report = await this.#ask((id) => ({
      kind: 'call',
      id,
      region,
      procedure: procedure.name,
      input,
      timeoutMs,
      idempotencyKey,
    }))
    if (report.kind === 'result') return { ok: true, value: report.value, ms: report.ms }
    if (report.kind === 'failure') return { ok: false, failure: report.failure, ms: report.ms }
    throw new Error(`unexpected report ${report.kind}`)
  }

  async look(): Promise<Look> {
    const report = await this.#ask((id) => ({ kind: 'look', id }))
    if (report.kind !== 'look') throw new Error(`unexpected report ${report.kind}`)
    return report.look
  }

  /** Asks again and again, at most for the demo's patience, until what it sees fits. */
  async lookUntil(fits: (look: Look) => boolean, what: string): Promise<Look> {
    const until = performance.now() + patienceMs
    for (;;) {
      const look = await this.look()
      if (fits(look)) return look
      if (performance.now() > until)
        throw new Error(`${this.region} waited ${patienceMs} ms for ${what}: ${JSON.stringify(look)}`)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }

  /** Stops the node in order and waits for the process to end. */
  async stop(): Promise<number | string> {
    await this.#ask((id) => ({ kind: 'stop', id }))
    return this.exited
  }

  kill(): void {
    this.#child.kill('SIGKILL')
  }

  #ask(command: (id: number) => Command): Promise<Report> {
    const id = this.#nextId++
    return new Promise((resolve, reject) => {
      const settle = (report: Report | Error): void => {
        clearTimeout(timer)
        this.#waiting.delete(id)
        if (report instanceof Error) reject(report)
        else resolve(report)
      }
      const timer = setTimeout(() => settle(new Error(`${this.region} did not answer in ${patienceMs} ms`)), patienceMs)
      this.#waiting.set(id, settle)
      this.#child.send(command(id), (error) => {
        if (error !== null) settle(error)
      })
    })
  }

  #take(report: Report): void {
    if ('id' in report) this.#waiting.get(report.id)?.(report)
  }
}
