// npm start: sets up, then runs the example of three regions with the arguments given after "--".
import { runProgram } from './run-program.mjs'
import { setUp } from './set-up.mjs'

await setUp()
runProgram('examples/three-regions/dist/main.js', process.argv.slice(2))
