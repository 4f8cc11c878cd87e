import { readdirSync } from 'node:fs'

// JavaScript instead of JSON, because the levels below are a table and not two hundred lines of copies of it.
// oxlint finds only .oxlintrc.json by itself: name this file with -c, in editors too.

/**
 * The folders of packages/core/src, lowest first. A folder imports itself and the rows above its own; folders of one
 * row never see each other. An import of a type counts.
 */
const coreLevels = [
  ['base'],
  ['platform', 'codec'],
  ['actor'],
  ['otp'],
  ['thread', 'mesh'],
  ['region', 'io'],
  ['rpc', 'discovery'],
  ['groups'],
  ['node'],
  ['telemetry'],
]

/** The same of packages/testing/src. */
const testingLevels = [
  ['platform'],
  ['trace', 'history'],
  ['kernel'],
  ['network'],
  ['fault', 'escape'],
  ['simulation'],
  ['invariant', 'shrink'],
  ['runner'],
  ['conformance'],
]

/** The folders that may touch the machine: they make or choose the Platform that all others are handed. */
const compositionFolders = ['platform', 'node']

const takeItFromThePlatform = 'Take it from the Platform that is handed down, so that the same code runs simulated.'

const ambientGlobals = [
  'Date',
  'performance',
  'crypto',
  'setTimeout',
  'setInterval',
  'setImmediate',
  'clearTimeout',
  'clearInterval',
  'clearImmediate',
  'queueMicrotask',
  'console',
].map((name) => ({ name, message: takeItFromThePlatform }))

const ambientProperties = [
  ['Math', 'random'],
  ['AbortSignal', 'timeout'],
  ['process', 'env'],
  ['process', 'hrtime'],
  ['process', 'uptime'],
  ['process', 'nextTick'],
  ['process', 'exit'],
  ['process', 'exitCode'],
  ['process', 'stdout'],
  ['process', 'stderr'],
  // The way round the lines above.
  ...['globalThis', 'global'].flatMap((all) => [
    [all, 'process'],
    [all, 'Math'],
    [all, 'AbortSignal'],
  ]),
].map(([object, property]) => ({ object, property, message: takeItFromThePlatform }))

const ambientModules = [
  ...['node:timers', 'node:timers/promises', 'node:perf_hooks', 'node:process', 'node:console'].map((name) => ({
    name,
  })),
  {
    name: 'node:crypto',
    importNames: ['default', 'randomBytes', 'randomFill', 'randomFillSync', 'randomInt', 'randomUUID', 'webcrypto'],
  },
].map((path) => ({ ...path, message: takeItFromThePlatform }))

const ambient = {
  'no-restricted-globals': ['error', { globals: ambientGlobals, checkGlobalObject: true, globalObjects: ['global'] }],
  'no-restricted-properties': ['error', ...ambientProperties],
}
const ambientAllowed = { 'no-restricted-globals': 'off', 'no-restricted-properties': 'off' }

const simulationShells = [
  'platform/real-time.ts',
  'escape/**',
  ...['cli', 'console-ports', 'environment', 'sim-thread'].map((name) => `runner/${name}.ts`),
].map((file) => `packages/testing/src/${file}`)

const noPackageOfOurs = {
  regex: '^@skerry/',
  message: 'core depends on no other package of ours, and on itself by path.',
}
const coreByItsNameOnly = {
  regex:
    '^(?:\\.\\./)+(?:core|testing|transport-libp2p|transport-libp2p-v3|transport-nats)/|^@skerry/[^/]+/(?:src|dist)/',
  message: 'Import another package by its public name.',
}

export default {
  plugins: ['eslint', 'typescript', 'unicorn', 'oxc', 'import', 'promise', 'vitest'],
  options: { typeAware: true, reportUnusedDisableDirectives: 'error' },
  ignorePatterns: ['**/dist/**', '**/node_modules/**'],
  categories: { correctness: 'error', suspicious: 'error' },
  rules: {
    eqeqeq: ['error', 'always'],
    'no-empty': ['error', { allowEmptyCatch: false }],
    'no-var': 'error',
    'prefer-const': 'error',
    'import/no-cycle': ['error', { ignoreTypes: false }],
    'import/no-default-export': 'error',
    'typescript/ban-ts-comment': [
      'error',
      { 'ts-ignore': true, 'ts-nocheck': true, 'ts-expect-error': 'allow-with-description' },
    ],
    'typescript/await-thenable': 'error',
    'typescript/consistent-type-imports': ['error', { disallowTypeAnnotations: true }],
    'typescript/no-explicit-any': 'error',
    'typescript/no-floating-promises': 'error',
    'typescript/no-misused-promises': 'error',
    'typescript/no-non-null-assertion': 'error',
    'typescript/only-throw-error': 'error',
    'typescript/return-await': ['error', 'error-handling-correctness-only'],
    'typescript/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
    'unicorn/prefer-node-protocol': 'error',

    // Off: the compiler says it better.
    'consistent-return': 'off',
    'no-useless-constructor': 'off', // a constructor that only narrows a parameter's type is not useless
    'typescript/no-redundant-type-constituents': 'off', // fires on names the compiler cannot resolve, which it reports
    // Off: what it forbids is how this code is written, on purpose.
    'typescript/no-generated-empty-object-type': 'off',
    'typescript/no-unsafe-type-assertion': 'off', // data from a mailbox or a peer is checked, then asserted
    'typescript/unbound-method': 'off', // objects of functions without "this" are handed on piece by piece
    'no-underscore-dangle': 'off', // marks what is not used
    'no-unmodified-loop-condition': 'off', // does not see changes made by callbacks
    'promise/always-return': 'off',
    'typescript/no-unnecessary-type-arguments': 'off',
    'unicorn/consistent-function-scoping': 'off', // helpers stand where they are used
    'unicorn/no-array-reverse': 'off', // on arrays that the same expression made
    'unicorn/no-array-sort': 'off',
    'unicorn/no-new-array': 'off', // rings and tables of a known size
    'unicorn/no-useless-spread': 'off', // copies what the loop's body changes
    'unicorn/require-module-specifiers': 'off', // "export {}" makes a file a module
    'unicorn/require-post-message-target-origin': 'off', // of windows; ports have none
    'import/no-unassigned-import': 'off',
  },
  overrides: [
    {
      files: ['packages/*/src/**'],
      rules: { ...ambient, 'no-restricted-imports': ['error', { paths: ambientModules }] },
    },
    {
      files: ['packages/testing/src/*.ts'],
      rules: { 'no-restricted-imports': ['error', { paths: ambientModules, patterns: [coreByItsNameOnly] }] },
    },
    {
      files: ['packages/transport-*/src/**'],
      rules: {
        'no-restricted-imports': [
          'error',
          {
            paths: [...ambientModules, { name: '@skerry/testing', message: 'Only its tests may.' }],
            patterns: [coreByItsNameOnly, { regex: '^@skerry/testing/', message: 'Only its tests may.' }],
          },
        ],
      },
    },
    ...folderOverrides('core', coreLevels, noPackageOfOurs, compositionFolders),
    ...folderOverrides('testing', testingLevels, coreByItsNameOnly, []),
    {
      // The folder below trace/ for the browser: it names the page's document, and shares the trace's types and decisions.
      files: ['packages/testing/src/trace/page/**'],
      rules: { ...ambientAllowed, 'no-restricted-imports': ['error', { patterns: [coreByItsNameOnly] }] },
    },
    {
      // What simulates the machine, drives a simulation from outside, or keeps it from escaping has to touch the machine.
      files: simulationShells,
      rules: { ...ambientAllowed, 'no-restricted-imports': ['error', { patterns: [coreByItsNameOnly] }] },
    },
    {
      files: ['**/test/**', '**/bench/**'],
      rules: {
        'no-shadow': 'off',
        'typescript/no-extraneous-class': 'off',
        'typescript/no-non-null-assertion': 'off',
        'typescript/restrict-template-expressions': 'off',
        // Tests have helpers that assert, titles from tables, and invariants that hold only in some branch.
        'vitest/expect-expect': 'off',
        'vitest/no-conditional-expect': 'off',
        'vitest/no-standalone-expect': 'off',
        'vitest/require-to-throw-message': 'off',
        'vitest/valid-expect': 'off', // an assertion may be started, then awaited; no-floating-promises sees the rest
        'vitest/valid-title': 'off',
      },
    },
    {
      // Plain JavaScript that tests start as processes and threads: untyped, so rules about types only guess.
      files: ['**/test/**/*.mjs'],
      rules: { 'typescript/no-implied-eval': 'off', 'typescript/no-misused-promises': 'off' },
    },
    {
      // Configuration files must have a default export.
      files: ['*.config.{ts,mjs}'],
      rules: { 'import/no-default-export': 'off' },
    },
  ],
}

/**
 * @param {string} name of the package
 * @param {readonly (readonly string[])[]} levels
 * @param {object} inherited the pattern that all files of the package obey
 * @param {readonly string[]} machineFolders
 */
function folderOverrides(name, levels, inherited, machineFolders) {
  const known = levels.flat()
  const unknown = foldersOf(name).filter((folder) => !known.includes(folder))
  if (unknown.length > 0) throw new Error(`packages/${name}/src/${unknown[0]}/ has no level in oxlint.config.mjs`)

  return levels.flatMap((folders, level) =>
    folders.map((folder) => {
      const lower = levels.slice(0, level).flat()
      const forbidden = known.filter((other) => other !== folder && !lower.includes(other))
      const touchesMachine = machineFolders.includes(folder)
      // Core's lowest level imports nothing; that of testing, core by its name.
      const own = level === 0 && name === 'core' ? onlyItself(folder) : onlyDownward(folder, lower, forbidden)
      return {
        files: [`packages/${name}/src/${folder}/**`],
        rules: {
          ...(touchesMachine && ambientAllowed),
          'no-restricted-imports': [
            'error',
            { paths: touchesMachine ? [] : ambientModules, patterns: [inherited, own] },
          ],
        },
      }
    }),
  )
}

/** @param {string} name */
function foldersOf(name) {
  const entries = readdirSync(new URL(`packages/${name}/src/`, import.meta.url), { withFileTypes: true })
  return entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name)
}

/** @param {string} folder */
function onlyItself(folder) {
  return { regex: '^[^.]|^\\.[^/]', message: `${folder}/ imports nothing but its own files.` }
}

/**
 * oxlint's regular expressions have no look-ahead, so this lists what is forbidden: other folders of the same or a
 * higher level, files beside the folders (index.ts), and detours.
 *
 * @param {string} folder
 * @param {string[]} lower
 * @param {string[]} forbidden
 */
function onlyDownward(folder, lower, forbidden) {
  return {
    regex: `^\\.\\./(?:${forbidden.join('|')})/|^\\.\\./[^/]+$|^\\.\\./\\.\\./|^\\./.*\\.\\./`,
    message: `${folder}/ imports its own files (by "./") and ${lower.map((name) => `${name}/`).join(', ')} only.`,
  }
}
