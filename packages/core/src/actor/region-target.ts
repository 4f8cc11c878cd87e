/** What identifies a procedure in the mesh. */
export interface ProcedureName {
  readonly name: string
  readonly version: number
}

/**
 * Where work should run: a region's name; `'primary'`; `'nearest'` (the own region, else the one with the smallest
 * measured round trip); or a list of these in order of preference. A name, or a list of names, is a requirement: nothing
 * else is ever taken. A list that ends in `'nearest'` is a preference: `['syd', 'nearest']`. The next of a list is taken
 * when the one before has no node that serves the procedure, or when two of its nodes have refused the call.
 */
export type RegionTarget = string | readonly string[]
