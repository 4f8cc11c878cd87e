/** Rules and their options, as both linters write them. */
type Rules = Readonly<Record<string, 'error' | readonly ['error', ...(readonly unknown[])]>>

/**
 * For the code that runs in actors, in ESLint's flat configuration.
 *
 * @example
 * import { eslint } from '@skerry/testing/lint'
 * export default [{ files: ['src/actors/**'], ...eslint }]
 */
export declare const eslint: { readonly plugins: { readonly skerry: object }; readonly rules: Rules }

/**
 * The same for oxlint, in an `oxlint.config.mjs`. Its plugins in JavaScript are young: where they get in the way, leave out
 * `jsPlugins` and the rules that begin with `skerry/`.
 *
 * @example
 * import { oxlint } from '@skerry/testing/lint'
 * export default { overrides: [{ files: ['src/actors/**'], ...oxlint }] }
 */
export declare const oxlint: { readonly jsPlugins: readonly string[]; readonly rules: Rules }
