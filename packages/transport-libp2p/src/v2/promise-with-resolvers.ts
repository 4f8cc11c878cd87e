/**
 * Gives Node 20 `Promise.withResolvers`, which libp2p's queues call. Import it before libp2p, in every thread that loads
 * libp2p. On newer runtimes it changes nothing.
 */
if (!('withResolvers' in Promise)) {
  Object.defineProperty(Promise, 'withResolvers', { configurable: true, writable: true, value: withResolvers })
}

function withResolvers<T>(this: PromiseConstructor): {
  promise: Promise<T>
  resolve: (value: T | PromiseLike<T>) => void
  reject: (reason: unknown) => void
} {
  let resolve!: (value: T | PromiseLike<T>) => void
  let reject!: (reason: unknown) => void
  const promise = new this<T>((onValue, onError) => {
    resolve = onValue
    reject = onError
  })
  return { promise, resolve, reject }
}

export {}
