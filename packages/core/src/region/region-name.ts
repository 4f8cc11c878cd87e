import { RegionError } from './errors.ts'

/** The longest name of a region, in characters. */
const regionNameCharsMax = 64

/** Words that stand for a choice of region, and so can't be the name of one. */
const reservedRegionNames: readonly string[] = ['primary', 'nearest', 'all']

/**
 * Throws `ERR_BAD_REGION`, saying what is wrong, unless `name` can be the name of a region: 1 to 64 of the characters
 * A-Z, a-z, 0-9, `.`, `_` and `-`, and none of the words `primary`, `nearest` and `all`.
 */
export function checkRegionName(name: unknown): asserts name is string {
  const wrong = whatIsWrong(name)
  if (wrong !== undefined) throw new RegionError('ERR_BAD_REGION', wrong)
}

function whatIsWrong(name: unknown): string | undefined {
  if (typeof name !== 'string') return `A region's name must be a string, not ${name === null ? 'null' : typeof name}`
  if (name === '') return "A region's name must not be empty"
  // Never quoted whole: it may come from a peer and be of any length.
  if (name.length > regionNameCharsMax) {
    return `A region's name must have at most ${regionNameCharsMax} characters, not ${name.length}`
  }
  const strange = /[^A-Za-z0-9._-]/u.exec(name)
  if (strange !== null) {
    return `The region's name ${JSON.stringify(name)} must not contain ${JSON.stringify(strange[0])}: use A-Z, a-z, 0-9, ".", "_" and "-"`
  }
  if (reservedRegionNames.includes(name)) return `"${name}" stands for a choice of region and can't be the name of one`
  return undefined
}
