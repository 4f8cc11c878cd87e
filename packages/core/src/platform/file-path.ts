import { FilesError } from './errors.ts'

const pathCharsMax = 1_024
const segmentBytesMax = 255

/** What begins a segment of the names that an implementation of `Files` uses for itself. */
export const reservedSegment = '.skerry-'

/**
 * Throws `ERR_BAD_PATH` for anything else than a relative path below the root: segments of 1 to 255 bytes joined by `/`,
 * none of them `.` or `..` or beginning with `.skerry-`, no backslash, colon or control character, at most 1,024 characters.
 */
export function checkFilePath(path: string): void {
  const problem = problemOf(path, path.split('/'))
  if (problem !== undefined) throw badPath(path, problem)
}

/** The same for a prefix of paths: it may be empty, and end within a segment or with `/`. Gives the folder that it names. */
export function folderOfPrefix(prefix: string): string {
  const folder = prefix.slice(0, Math.max(0, prefix.lastIndexOf('/')))
  const rest = prefix.slice(prefix.lastIndexOf('/') + 1)
  const segments = prefix.includes('/') ? folder.split('/') : []
  // What ends within a segment may still become a name: '.' may, '..' alone may not.
  const problem = problemOf(prefix, rest === '' || rest === '.' ? segments : [...segments, rest])
  if (problem !== undefined) throw badPath(prefix, problem)
  return folder
}

function problemOf(path: string, segments: readonly string[]): string | undefined {
  if (path.length > pathCharsMax) return `it has ${path.length} characters`
  // oxlint-disable-next-line no-control-regex
  if (/[\\:\u0000-\u001f\u007f]/.test(path)) return 'a backslash, a colon or a control character'
  for (const segment of segments) {
    if (segment === '') return 'an empty segment; it must be relative'
    if (segment === '.' || segment === '..') return `"${segment}" is no name`
    if (segment.startsWith(reservedSegment)) return `names that begin with "${reservedSegment}" are taken`
    if (Buffer.byteLength(segment) > segmentBytesMax) return `a name of more than ${segmentBytesMax} bytes`
  }
  return undefined
}

function badPath(path: string, problem: string): FilesError {
  return new FilesError('ERR_BAD_PATH', `"${path.slice(0, 200)}" is no path of a file: ${problem}`)
}
