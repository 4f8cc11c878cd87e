import { badOption, badOptionStart, checkOptions, type Libp2pTransportOptions } from './options.ts'

type Environment = Readonly<Record<string, string | undefined>>

/**
 * The options that the environment names, for programs that are configured by it alone:
 *
 * | variable | option |
 * |---|---|
 * | `SKERRY_CLUSTER` | `cluster`; must be set |
 * | `SKERRY_SECRETS` | `secrets`, the one to dial with first |
 * | `SKERRY_LISTEN`, `SKERRY_ANNOUNCE`, `SKERRY_SEEDS` | the same, as multiaddrs; `$NAME` in them is that variable's value |
 * | `SKERRY_PRIVATE_KEY` | `privateKey` |
 *
 * Lists are separated by commas or spaces. A variable that is set and empty is an error. Throws `ERR_TRANSPORT_START` with
 * the name of the variable, and never the value of a secret.
 *
 * @example
 * const transport = libp2pTransport({ ...libp2pOptionsFrom(process.env), maxFrameBytes: 256 * 1024 })
 */
export function libp2pOptionsFrom(environment: Environment): Libp2pTransportOptions {
  const cluster = environment['SKERRY_CLUSTER']
  if (cluster === undefined) throw badOption('SKERRY_CLUSTER', 'is not set')
  const secrets = listIn('SKERRY_SECRETS', environment)
  const listen = addressesIn('SKERRY_LISTEN', environment)
  const announce = addressesIn('SKERRY_ANNOUNCE', environment)
  const seeds = addressesIn('SKERRY_SEEDS', environment)
  const privateKey = environment['SKERRY_PRIVATE_KEY']
  const options = {
    cluster,
    ...(secrets !== undefined && { secrets }),
    ...(listen !== undefined && { listen }),
    ...(announce !== undefined && { announce }),
    ...(seeds !== undefined && { seeds }),
    ...(privateKey !== undefined && { privateKey }),
  }
  checkEach(options)
  return options
}

const variables: Readonly<Record<string, string>> = {
  cluster: 'SKERRY_CLUSTER',
  secrets: 'SKERRY_SECRETS',
  listen: 'SKERRY_LISTEN',
  announce: 'SKERRY_ANNOUNCE',
  seeds: 'SKERRY_SEEDS',
  privateKey: 'SKERRY_PRIVATE_KEY',
}

/** One by one, so that the error can name the variable. */
function checkEach(options: Libp2pTransportOptions): void {
  for (const [option, value] of Object.entries(options)) {
    try {
      checkOptions({ cluster: options.cluster, [option]: value })
    } catch (cause) {
      const problem = (cause instanceof Error ? cause.message : String(cause)).replace(badOptionStart, '')
      throw badOption(variables[option] ?? option, `can't be: ${problem}`, { cause })
    }
  }
}

function listIn(name: string, environment: Environment): readonly string[] | undefined {
  const items = environment[name]?.split(/[\s,]+/).filter((item) => item !== '')
  if (items?.length === 0) throw badOption(name, 'is empty')
  return items
}

function addressesIn(name: string, environment: Environment): readonly string[] | undefined {
  return listIn(name, environment)?.map((address) =>
    address.replaceAll(/\$(\w+)|\$\{(\w+)\}/g, (_, bare: string | undefined, braced: string | undefined) => {
      const other = bare ?? braced ?? ''
      const value = environment[other]
      if (value === undefined || value === '') throw badOption(name, `names ${other}, which is not set`)
      return value
    }),
  )
}
