import { actor, type BareContext, type Node } from '@skerry/core'

/** The context of an actor that does nothing but lend it: what is measured is asked by an actor, as OTP's is by a process. */
export async function startDriver(node: Node): Promise<BareContext> {
  const { promise, resolve } = handedOver()
  const driver = actor({
    name: 'driver',
    run(ctx) {
      ctx.trapExit = true
      resolve(ctx)
      return new Promise<void>(() => undefined)
    },
  })
  await node.start(driver, [])
  return promise
}

function handedOver(): { promise: Promise<BareContext>; resolve: (ctx: BareContext) => void } {
  let resolve: (ctx: BareContext) => void = () => undefined
  const promise = new Promise<BareContext>((settle) => (resolve = settle))
  return { promise, resolve }
}
