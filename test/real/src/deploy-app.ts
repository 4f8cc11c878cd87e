import { type AppDefinition, defineApp, procedure } from '@skerry/core'

/** The application before and after a deploy. */
export type Release = 1 | 2

export interface Done {
  readonly release: Release
  readonly region: string
}

function workOf(release: Release) {
  return procedure({
    name: 'deploy.work',
    version: release,
    // The new code still serves callers of the old one.
    compatible: release === 2 ? [1] : [],
    // On a machine that is busy with something else calls wait in their thousands: that is no matter of the deploy.
    maxWaiting: 10_000,
    async run(ctx, { ms }: { readonly ms: number }): Promise<Done> {
      await new Promise<void>((resolve) => ctx.clock.after(ms, resolve))
      return { release, region: ctx.myRegion }
    },
  })
}

/** What callers of each release call: the version that they were written for. */
export const works = { 1: workOf(1), 2: workOf(2) } as const

/** Which life of a node answers. */
export const lifeOf = procedure({ name: 'deploy.life', run: (ctx) => ctx.self.life })

export function deployedApp(release: Release): AppDefinition {
  return defineApp({ name: 'deployed', children: [], procedures: [works[release], lifeOf] })
}
