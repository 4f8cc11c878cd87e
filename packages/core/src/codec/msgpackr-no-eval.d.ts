// The entry has no types of its own, and those of the entries msgpackr/pack and msgpackr/unpack don't resolve as ESM.
declare module 'msgpackr/index-no-eval' {
  export { addExtension, Packr, RESET_BUFFER_MODE, Unpackr } from 'msgpackr'
}
