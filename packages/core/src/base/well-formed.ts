/** Whether a text has no lone surrogate, which UTF-8 can't carry. */
export function isWellFormed(text: string): boolean {
  // Node 20 has the method, the language level that we compile for does not know it yet.
  return (text as string & { isWellFormed(): boolean }).isWellFormed()
}
