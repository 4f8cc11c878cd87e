import { procedure } from '@skerry/core'

/** The procedures that are called. Each does as little as one can. */
export const upcase = procedure({ name: 'string.upcase', run: (_ctx, text: string) => text.toUpperCase() })
export const zeros = procedure({ name: 'bytes.zeros', run: (_ctx, bytes: number) => new Uint8Array(bytes) })
export const echo = procedure({ name: 'bytes.echo', run: (_ctx, bytes: Uint8Array) => bytes })
