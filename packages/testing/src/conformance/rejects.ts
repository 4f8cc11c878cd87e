import assert from 'node:assert/strict'

/** Asserts that `promise` rejects with an error that has one of these codes. */
export async function rejectsWithCode(promise: Promise<unknown>, ...codes: readonly string[]): Promise<void> {
  await assert.rejects(promise, (error: unknown) => {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    assert.ok(
      typeof code === 'string' && codes.includes(code),
      `rejects with ${codes.join(' or ')}, not ${String(error)}`,
    )
    return true
  })
}
