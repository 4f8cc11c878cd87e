import { chromeTrace } from '../trace/chrome-trace.ts'
import { traceHtml } from '../trace/html-page.ts'
import { formatTrace } from '../trace/jsonl.ts'
import type { Trace } from '../trace/trace-event.ts'
import type { TraceForm } from './cli-args.ts'

/** A trace as the text of a file. */
export function traceFileText(trace: Trace, form: TraceForm): string {
  switch (form) {
    case 'html':
      return traceHtml(trace)
    case 'chrome':
      return chromeTrace(trace)
    case 'jsonl':
      return formatTrace(trace)
  }
}
