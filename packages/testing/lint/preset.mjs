import { fileURLToPath } from 'node:url'
import plugin from './plugin.mjs'

const message = 'A simulation has to decide this: take it from what the actor is handed.'

const globals = [
  'Date',
  'setTimeout',
  'setInterval',
  'setImmediate',
  'clearTimeout',
  'clearInterval',
  'clearImmediate',
  'queueMicrotask',
  'performance',
  'crypto',
  'fetch',
  'WebSocket',
  'EventSource',
  'MessageChannel',
  'BroadcastChannel',
  'Worker',
  'WeakRef',
  'FinalizationRegistry',
  'Atomics',
]

const properties = [
  ['Math', 'random'],
  ['Math', 'pow'],
  ['AbortSignal', 'timeout'],
  ['process', 'hrtime'],
  ['process', 'nextTick'],
  ['process', 'uptime'],
  ['process', 'env'],
  ['process', 'memoryUsage'],
  ['process', 'cpuUsage'],
]

// Of any object: their results depend on the machine's language, time zone and paths.
const propertiesOfAny = ['localeCompare', 'toLocaleString', 'toLocaleDateString', 'toLocaleTimeString', 'stack']

const modules =
  'fs|fs/promises|net|tls|dgram|dns|dns/promises|http|https|http2|os|child_process|cluster|worker_threads|timers|' +
  'timers/promises|perf_hooks|crypto|vm|v8|zlib|readline|inspector'

const rules = {
  'no-restricted-globals': [
    'error',
    { globals: globals.map((name) => ({ name, message })), checkGlobalObject: true, globalObjects: ['global'] },
  ],
  'no-restricted-properties': [
    'error',
    ...properties.map(([object, property]) => ({ object, property, message })),
    ...propertiesOfAny.map((property) => ({ property, message })),
  ],
  'no-restricted-imports': ['error', { patterns: [{ regex: `^(node:)?(${modules})$`, message }] }],
  'skerry/no-module-state': 'error',
  'skerry/no-dynamic-import': 'error',
  'skerry/no-exponent': 'error',
}

/**
 * For the code that runs in actors, in ESLint's flat configuration.
 *
 * @example
 * import { eslint } from '@skerry/testing/lint'
 * export default [{ files: ['src/actors/**'], ...eslint }]
 */
export const eslint = { plugins: { skerry: plugin }, rules }

/**
 * The same for oxlint, in an `oxlint.config.mjs`. Its plugins in JavaScript are young: where they get in the way, leave out
 * `jsPlugins` and the rules that begin with `skerry/`.
 *
 * @example
 * import { oxlint } from '@skerry/testing/lint'
 * export default { overrides: [{ files: ['src/actors/**'], ...oxlint }] }
 */
export const oxlint = { jsPlugins: [fileURLToPath(new URL('plugin.mjs', import.meta.url))], rules }
