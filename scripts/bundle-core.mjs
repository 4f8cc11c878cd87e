import * as fs from 'node:fs'
import { dirname, join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Where it is put, in core's `dist`. */
export const bundleFolder = 'bundle'

// The package's entries, the three modules that threads are started with, and the one that names itself as a transport's.
const entries = [
  'index',
  'simulation',
  'mesh/transport',
  'platform/platform',
  'telemetry/otel',
  'telemetry/prometheus',
  'node/thread-entry',
  'node/watchdog-entry',
  'node/transport-entry',
  'mesh/memory-transport',
]

// What only few programs load, and what runs as soon as it is loaded.
const apart = /^(?:telemetry\/|node\/(?:thread|watchdog|transport)-entry)/

/**
 * Joins what the compiler wrote of core into few files: a thread of Node loads a module in about a millisecond, and core has two
 * hundred of them. All entries share one copy of each module, so whatever a thread loads of core is the same. Stack traces keep the names of
 * functions, and source maps lead to the sources. Does nothing when the compiler has written nothing since.
 *
 * @param {string} core the package's folder, built
 */
export async function bundleCore(core) {
  // As the bundler will name them.
  const dist = join(fs.realpathSync(core), 'dist')
  const target = join(dist, bundleFolder)
  if (isNewer(join(target, 'index.js'), [join(dist, '.tsbuildinfo'), fileURLToPath(import.meta.url)])) return
  // Not before: set-up may have installed it a moment ago.
  const { rolldown } = await import('rolldown')
  const nameOf = (/** @type {string} */ file) => relative(dist, file).split(sep).join('/').replace(/\.js$/, '')
  const bundle = await rolldown({
    input: Object.fromEntries(entries.map((name) => [name, join(dist, `${name}.js`)])),
    platform: 'node',
    external: (id) => !id.startsWith('.') && !id.startsWith(dist),
    plugins: [
      {
        name: 'as-compiled',
        load: (file) => ({
          code: withOwnUrl(fs.readFileSync(file, 'utf8'), nameOf(file)),
          map: fs.readFileSync(`${file}.map`, 'utf8'),
        }),
      },
    ],
  })
  const { output } = await bundle.generate({
    format: 'esm',
    sourcemap: true,
    sourcemapExcludeSources: true,
    dir: target,
    entryFileNames: '[name].js',
    chunkFileNames: '[name].js',
    codeSplitting: {
      groups: [{ name: 'core', test: (file) => file.startsWith(dist) && !apart.test(nameOf(file)) }],
    },
  })
  await bundle.close()
  /** @type {Map<string, string>} */
  const files = new Map()
  for (const one of output) {
    files.set(one.fileName, one.type === 'chunk' ? asciiOnly(one.code) : String(one.source))
  }
  const index = files.get('index.js') ?? ''
  files.delete('index.js')
  replaceFiles(target, files.set('index.js', index))
}

/**
 * Every module keeps the address that it has among the compiler's files, so that what it finds by it is found: it must be an entry.
 *
 * @param {string} code
 * @param {string} name
 */
function withOwnUrl(code, name) {
  return apart.test(name) ? code : code.replaceAll('import.meta.url', `new URL('./${name}.js', import.meta.url).href`)
}

/**
 * One character beyond Latin-1 makes V8 keep, and read, the whole text at two bytes a character.
 *
 * @param {string} code
 */
function asciiOnly(code) {
  return code.replaceAll(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

/**
 * A file that is the same stays as it is, and one that is not is never seen half written: programs may be starting threads from them.
 *
 * @param {string} folder
 * @param {ReadonlyMap<string, string>} files
 */
function replaceFiles(folder, files) {
  for (const [name, text] of files) {
    const file = join(folder, name)
    fs.mkdirSync(dirname(file), { recursive: true })
    const isSame = fs.existsSync(file) && fs.readFileSync(file, 'utf8') === text
    // Written last, index.js also says when all this was.
    if (isSame && name !== 'index.js') continue
    const written = `${file}.${process.pid}`
    fs.writeFileSync(written, text)
    fs.renameSync(written, file)
  }
  for (const name of fs.readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    const file = join(folder, name)
    if (!files.has(name.split(sep).join('/')) && fs.statSync(file).isFile()) fs.rmSync(file)
  }
}

/**
 * @param {string} file
 * @param {readonly string[]} others
 */
function isNewer(file, others) {
  const at = (/** @type {string} */ path) => fs.statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Infinity
  return fs.existsSync(file) && others.every((other) => at(other) < at(file))
}
