import { TestingError } from '../platform/errors.ts'
import type { RunFailure } from '../simulation/run-result.ts'
import type { SimCase } from '../simulation/sim-case.ts'

/** A simulation found a failure. Its message is the whole report; the rest is for programs. */
export class SimulationFailure extends TestingError {
  /** `undefined`: the seeds together did not show what they should have. */
  readonly simCase: SimCase | undefined
  readonly failure: RunFailure | undefined

  constructor(report: string, simCase?: SimCase, failure?: RunFailure) {
    super('ERR_SIMULATION_FAILED', report)
    this.simCase = simCase
    this.failure = failure
    // The stack would only repeat the message and name the runner.
    this.stack = `${this.name}: ${report}`
  }
}
