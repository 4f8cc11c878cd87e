import { genServer } from '@skerry/core'

/** A server that keeps a CPU busy. */
export const burner = genServer({
  module: import.meta,
  name: 'burner',
  init: () => ({}),
  call: {
    burn: (_ctx, steps: number) => {
      let sum = 0
      for (let step = 0; step < steps; step += 1) sum = (Math.imul(sum, 31) + step) | 0
      return sum
    },
  },
})
