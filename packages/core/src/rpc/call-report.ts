import type { RpcOptions } from '../actor/remote-verbs.ts'
import type { RpcReport } from '../actor/rpc-report.ts'
import { errorData } from '../base/error-data.ts'
import type { Log } from '../platform/log.ts'

/** Tells whoever asked how a call went. What that throws is logged, and nothing of the call. */
export function tellReport(log: Log, { explain }: RpcOptions, report: RpcReport): void {
  try {
    explain?.(report)
  } catch (error) {
    log.error({ procedure: report.procedure.name, err: errorData(error) }, 'what `explain` was given threw')
  }
}
