// A promise of a dead actor's verb never settles: no line of its code behind an `await` runs, whatever comes of what it waits for.

/** For a verb of an actor that has ended. A fresh one each time: what waits on a shared one would be kept for ever. */
export function neverSettles<T>(): Promise<T> {
  return new Promise<T>(() => undefined)
}

/** Settles as `promise` does while `owner` lives; never once it has ended. */
export function whileAlive<T>(owner: { readonly alive: boolean }, promise: Promise<T>): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    promise.then(
      (value) => owner.alive && resolve(value),
      (error: unknown) => owner.alive && reject(error),
    )
  })
}
