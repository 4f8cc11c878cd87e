import { styleText } from 'node:util'

export interface StepResult {
  readonly name: string
  readonly ok: boolean
  readonly ms: number
  readonly detail: string
}

/** Runs the demo's steps one after the other and shows them; a step that fails does not stop the ones after it. */
export class Stage {
  readonly steps: StepResult[] = []
  readonly #started = performance.now()

  title(text: string): void {
    process.stdout.write(`\n${paint('bold', text)}\n`)
  }

  /** Something that happened, with the time since the start. */
  note(who: string, text: string): void {
    const seconds = ((performance.now() - this.#started) / 1_000).toFixed(2).padStart(6)
    process.stdout.write(`${paint('dim', `${seconds}s`)} ${paint('cyan', who.padEnd(5))} ${text}\n`)
  }

  /** Runs one step. What `run` returns is its detail; what it throws is why it failed. */
  async step(name: string, run: () => Promise<string>): Promise<void> {
    this.title(name)
    const started = performance.now()
    let ok = true
    let detail: string
    try {
      detail = await run()
    } catch (error) {
      ok = false
      detail = error instanceof Error ? error.message : String(error)
    }
    const ms = Math.round(performance.now() - started)
    this.steps.push({ name, ok, ms, detail })
    const mark = ok ? paint('green', '  ok  ') : paint('red', 'FAILED')
    process.stdout.write(`${mark} ${detail} ${paint('dim', `(${ms} ms)`)}\n`)
  }
}

export function check(condition: boolean, message: string): asserts condition {
  if (!condition) throw new Error(message)
}

function paint(format: 'bold' | 'dim' | 'cyan' | 'green' | 'red', text: string): string {
  return process.stdout.isTTY ? styleText(format, text) : text
}
