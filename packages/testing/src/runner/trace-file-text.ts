import { TestingError } from '../platform/errors.ts'
import { chromeTrace } from '../trace/chrome-trace.ts'
import { formatTrace } from '../trace/jsonl.ts'
import type { Trace } from '../trace/trace-event.ts'
import type { TraceForm } from './cli-args.ts'

/** A trace as the text of a file. */
export function traceFileText(trace: Trace, form: TraceForm): string {
  switch (form) {
    case 'html':
      // Until trace/ has its page: the test "draws a seed" waits for it.
      throw new TestingError('ERR_BAD_OPTION', 'There is no HTML view of a trace yet: use --chrome or --jsonl')
    case 'chrome':
      return chromeTrace(trace)
    case 'jsonl':
      return formatTrace(trace)
  }
}
