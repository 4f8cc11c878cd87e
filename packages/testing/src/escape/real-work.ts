// How many real calls are under way that were reported, or that need no report.
let calls = 0

/** Does something real inside an event; what it uses in turn is nobody's escape. */
export function doRealWork<T>(run: () => T): T {
  calls += 1
  try {
    return run()
  } finally {
    calls -= 1
  }
}

export function isDoingRealWork(): boolean {
  return calls > 0
}
