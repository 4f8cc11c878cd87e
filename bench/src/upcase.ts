import { procedure } from '@skerry/core'

/** The procedure that is called: it does as little as one can. */
export const upcase = procedure({ name: 'string.upcase', run: (_ctx, text: string) => text.toUpperCase() })
