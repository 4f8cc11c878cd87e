import type { RpcOptions } from '../actor/remote-verbs.ts'

/** The longest token, in characters. A log sequence number has some 20. */
export const tokenCharsMax = 256

/** The options of a call whose token is wanted. */
export interface TokenOptions extends RpcOptions {
  readonly onToken?: (token: string) => void
}

export function isToken(token: unknown): token is string {
  return typeof token === 'string' && token !== '' && token.length <= tokenCharsMax
}
