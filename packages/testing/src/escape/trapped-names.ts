/** Which functions of a module reach the world. `all`: every one that is no class. */
export interface TrappedModule {
  readonly module: string
  readonly names: readonly string[] | 'all'
  /** Of `all`: what is harmless after all. */
  readonly except?: readonly string[]
  /** Methods of prototypes, which also reach code that took its own copies of the module's functions. */
  readonly methods?: Readonly<Record<string, readonly string[]>>
}

export const trappedModules: readonly TrappedModule[] = [
  { module: 'fs', names: 'all' },
  { module: 'fs/promises', names: 'all' },
  {
    module: 'net',
    names: ['connect', 'createConnection', 'createServer'],
    methods: { Socket: ['connect'], Server: ['listen'] },
  },
  { module: 'tls', names: ['connect', 'createServer'] },
  { module: 'dgram', names: ['createSocket'], methods: { Socket: ['bind', 'send'] } },
  {
    module: 'dns',
    names: 'all',
    except: ['getServers', 'setServers', 'getDefaultResultOrder', 'setDefaultResultOrder'],
  },
  {
    module: 'dns/promises',
    names: 'all',
    except: ['getServers', 'setServers', 'getDefaultResultOrder', 'setDefaultResultOrder'],
  },
  { module: 'http', names: ['request', 'get', 'createServer'] },
  { module: 'https', names: ['request', 'get', 'createServer'] },
  { module: 'http2', names: ['connect', 'createServer', 'createSecureServer'] },
  { module: 'child_process', names: 'all' },
  { module: 'cluster', names: ['fork'] },
  // Their work is done by threads of Node's own. The functions ending in Sync are as deterministic as any other.
  {
    module: 'zlib',
    names: [
      'deflate',
      'gzip',
      'deflateRaw',
      'unzip',
      'inflate',
      'gunzip',
      'inflateRaw',
      'brotliCompress',
      'brotliDecompress',
      'zstdCompress',
      'zstdDecompress',
    ],
  },
  // The keys they make are chance that no seed decides, and those without "Sync" finish on other threads.
  {
    module: 'crypto',
    names: [
      'generateKey',
      'generateKeySync',
      'generateKeyPair',
      'generateKeyPairSync',
      'generatePrime',
      'generatePrimeSync',
      'checkPrime',
      'pbkdf2',
      'scrypt',
      'hkdf',
      'argon2',
    ],
  },
  { module: 'worker_threads', names: ['Worker', 'MessageChannel', 'BroadcastChannel'] },
]

/** Globals that are called or made with `new`. */
export const trappedGlobals: readonly string[] = [
  'fetch',
  'WebSocket',
  'EventSource',
  'MessageChannel',
  'BroadcastChannel',
  'CompressionStream',
  'DecompressionStream',
  // When something is collected is decided by the garbage collector.
  'WeakRef',
  'FinalizationRegistry',
]

/** Functions of global objects, where this version of Node has them. */
export const trappedGlobalMembers: Readonly<Record<string, readonly string[]>> = {
  Atomics: ['wait', 'waitAsync'],
  WebAssembly: ['compile', 'compileStreaming', 'instantiate', 'instantiateStreaming'],
}
