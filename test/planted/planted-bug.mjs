import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'

/**
 * A bug to be planted: a patch whose first lines say what it does.
 *
 * @typedef {object} PlantedBug
 * @property {string} name the patch's file name
 * @property {string} what in one sentence
 * @property {readonly Hunk[]} hunks
 */

/**
 * One place of a patch. It is found by its lines, and not by their numbers, so that it survives what changes around it.
 *
 * @typedef {object} Hunk
 * @property {string} file relative to the repository's root
 * @property {string} before
 * @property {string} after
 */

/** A patch that is not one, or that the sources have moved away from. */
export class BadPatch extends Error {}

/**
 * The bugs of a folder, by name.
 *
 * @param {string} folder
 * @returns {PlantedBug[]}
 */
export function readBugs(folder) {
  const files = readdirSync(folder).filter((file) => file.endsWith('.patch'))
  return files.sort().map((file) => readBug(join(folder, file)))
}

/**
 * Plants a bug in a copy of the repository. Throws BadPatch when a place is not found exactly once.
 *
 * @param {PlantedBug} bug
 * @param {string} root the copy's root folder
 */
export function plant(bug, root) {
  for (const [path, text] of planted(bug, root)) writeFileSync(path, text)
}

/**
 * The files that the bug concerns, with it. Throws BadPatch, as {@link plant} does.
 *
 * @param {PlantedBug} bug
 * @param {string} root
 * @returns {ReadonlyMap<string, string>}
 */
export function planted({ name, hunks }, root) {
  /** @type {Map<string, string>} */
  const texts = new Map()
  for (const { file, before, after } of hunks) {
    const path = join(root, file)
    // Each line of it begins with a line feed, and so do those of the hunk.
    const pieces = (texts.get(path) ?? `\n${readFileSync(path, 'utf8')}`).split(`\n${before}`)
    if (pieces.length !== 2) {
      const places = pieces.length === 1 ? 'no place' : `${pieces.length - 1} places`
      throw new BadPatch(`${name}.patch fits ${places} of ${file}: write it anew\n${before}`)
    }
    texts.set(path, pieces.join(`\n${after}`))
  }
  return new Map([...texts].map(([path, text]) => [path, text.slice(1)]))
}

/** @param {string} path */
function readBug(path) {
  const [head = '', ...parts] = readFileSync(path, 'utf8').split(/^--- a\//m)
  const name = basename(path, '.patch')
  const what = head.trim()
  if (what === '' || parts.length === 0) throw new BadPatch(`${name}.patch says nothing of itself, or changes nothing`)
  return { name, what, hunks: parts.flatMap((part) => readHunks(part)) }
}

/** @param {string} part what follows `--- a/` for one file */
function readHunks(part) {
  const [file = '', , ...lines] = part.trimEnd().split('\n')
  /** @type {{ file: string, before: string, after: string }[]} */
  const hunks = []
  for (const line of lines) {
    const hunk = hunks.at(-1)
    if (line.startsWith('@@')) hunks.push({ file, before: '', after: '' })
    if (hunk === undefined || line.startsWith('@@')) continue
    const text = `${line.slice(1)}\n`
    if (!line.startsWith('+')) hunk.before += text
    if (!line.startsWith('-')) hunk.after += text
  }
  return hunks
}
