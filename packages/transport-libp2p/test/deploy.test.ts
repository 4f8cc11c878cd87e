import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parse as parseToml } from 'smol-toml'
import { describe, expect, it, onTestFinished } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { DnsServer } from '../../core/test/fixtures/dns-server.ts'
import { freePort } from '../../core/test/fixtures/free-port.ts'

const folder = new URL('../../../deploy/', import.meta.url)
const main = fileURLToPath(new URL('app/main.mjs', folder))
const text = (file: string): string => readFileSync(new URL(file, folder), 'utf8')

/** What `main.mjs` waits for running calls, in seconds. */
const drainSeconds = Number(/^const drainMs = ([\d_]+)$/m.exec(text('app/main.mjs'))?.[1]?.replace('_', '')) / 1_000

interface FlyConfig {
  readonly kill_signal: string
  readonly kill_timeout: number
  readonly primary_region: string
  readonly env: Readonly<Record<string, string>>
  readonly http_service: { readonly internal_port: number; readonly checks: readonly { readonly path: string }[] }
}

interface Probe {
  readonly httpGet: { readonly path: string; readonly port: string }
  readonly periodSeconds: number
}
interface Container {
  readonly ports: readonly { readonly name: string; readonly containerPort: number }[]
  readonly env: readonly { readonly name: string; readonly value?: string; readonly valueFrom?: object }[]
  readonly startupProbe: Probe
  readonly livenessProbe: Probe
  readonly readinessProbe: Probe
  readonly lifecycle: { readonly preStop: { readonly exec: { readonly command: readonly string[] } } }
}

const fly = parseToml(text('fly/fly.toml')) as unknown as FlyConfig
const objects = parseAllDocuments(text('kubernetes/greeter.yaml')).map((document) => {
  expect(document.errors).toEqual([])
  return document.toJS() as KubernetesObject
})

interface KubernetesObject {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: { readonly name: string; readonly namespace: string }
  readonly spec: unknown
}

function kubernetes(kind: string, name: string): unknown {
  const object = objects.find((one) => one.kind === kind && one.metadata.name === name)
  expect(object, `${kind} ${name}`).toBeDefined()
  return object!.spec
}

const pods = kubernetes('StatefulSet', 'greeter') as {
  serviceName: string
  template: {
    metadata: { labels: Record<string, string> }
    spec: { terminationGracePeriodSeconds: number; containers: readonly [Container] }
  }
}
const [container] = pods.template.spec.containers

describe('the template for Fly', () => {
  it('has the machine stop by SIGTERM, with more time than the node takes to drain', () => {
    expect(fly.kill_signal).toBe('SIGTERM')
    expect(fly.kill_timeout).toBeGreaterThanOrEqual(drainSeconds + 5)
  })

  it('listens on IPv6, announces the private address, and looks for its own machines', () => {
    expect(fly.env['SKERRY_LISTEN']).toMatch(/^\/ip6\/::\/tcp\/(\d+)$/)
    const port = /\d+$/.exec(fly.env['SKERRY_LISTEN']!)![0]
    expect(fly.env['SKERRY_ANNOUNCE']).toBe(`/ip6/$FLY_PRIVATE_IP/tcp/${port}`)
    expect(fly.env['SKERRY_DISCOVERY']).toBe(`fly:${port}`)
    expect(fly.env['HOST']).toBe('::')
  })

  it('names the same primary region twice, and the port that the program listens on', () => {
    expect(fly.env['PRIMARY_REGION']).toBe(fly.primary_region)
    expect(String(fly.http_service.internal_port)).toBe(fly.env['PORT'])
    expect(fly.http_service.checks.map(({ path }) => path)).toEqual(['/readyz'])
  })

  it('says nothing that Fly does not know, and what it knows in the form in which Fly takes it', () => {
    expect(unknownIn(fly as object)).toEqual([])
    expect(
      unknownIn({ ...fly, kill_timout: 30, http_service: { ...fly.http_service, checks: [{ pth: '/' }] } }),
    ).toEqual(['http_service.checks.pth is not known', 'kill_timout is not known'])
    expect(unknownIn({ ...fly, kill_timeout: 'half a minute' })).toEqual(['kill_timeout can not be half a minute'])
  })

  it('starts node itself, to which signals then come', () => {
    expect(text('fly/Dockerfile')).toMatch(/^CMD \["node", "main\.mjs"\]$/m)
  })
})

describe('the template for Kubernetes', () => {
  const valueOf = (name: string): string | undefined => container.env.find((one) => one.name === name)?.value

  it('lists pods that are not ready in a headless service over all of them', () => {
    const mesh = kubernetes('Service', 'greeter-mesh') as Record<string, unknown>
    expect(mesh).toMatchObject({ clusterIP: 'None', publishNotReadyAddresses: true, selector: { app: 'greeter' } })
    expect(pods.serviceName).toBe('greeter-mesh')
    expect(pods.template.metadata.labels).toMatchObject(mesh['selector'] as object)
    const { namespace } = objects[0]!.metadata
    expect(new Set(objects.map(({ metadata }) => metadata.namespace))).toEqual(new Set([namespace]))
    expect(valueOf('SKERRY_DISCOVERY')).toBe(`kubernetes:greeter-mesh.${namespace}:4001`)
  })

  it('says nothing that Kubernetes does not know, and gives everything its type', { timeout: 60_000 }, () => {
    expect(problemsIn(objects)).toBe('')
    const wrong = structuredClone(objects.filter(({ kind }) => kind === 'StatefulSet')) as unknown as [
      { spec: { replicas: unknown; template: { spec: { terminationGracePeriodSecond: number } } } },
    ]
    wrong[0].spec.replicas = 'three'
    wrong[0].spec.template.spec.terminationGracePeriodSecond = 40
    expect(problemsIn(wrong as unknown as KubernetesObject[])).toMatch(/replicas|string/)
    expect(problemsIn(wrong as unknown as KubernetesObject[])).toContain('terminationGracePeriodSecond')
  })

  it('gives a pod time to be taken out of its services, to drain and to stop', () => {
    const [program, seconds] = container.lifecycle.preStop.exec.command
    expect(program).toBe('sleep')
    expect(pods.template.spec.terminationGracePeriodSeconds).toBeGreaterThanOrEqual(Number(seconds) + drainSeconds + 5)
  })

  it('listens where its service and its probes go', () => {
    const port = (name: string): number | undefined => container.ports.find((one) => one.name === name)?.containerPort
    expect(valueOf('SKERRY_LISTEN')).toBe(`/ip4/0.0.0.0/tcp/${port('mesh')}`)
    expect(valueOf('SKERRY_ANNOUNCE')).toBe(`/ip4/$(POD_IP)/tcp/${port('mesh')}`)
    expect(valueOf('PORT')).toBe(String(port('http')))
    const { startupProbe, livenessProbe, readinessProbe } = container
    expect(
      [startupProbe, livenessProbe, readinessProbe].map(({ httpGet }) => `${httpGet.port} ${httpGet.path}`),
    ).toEqual(['http /livez', 'http /livez', 'http /readyz'])
  })

  it('takes its region from the label of its topology, and its secret from a secret', () => {
    const from = (name: string): object | undefined => container.env.find((one) => one.name === name)?.valueFrom
    expect(from('MY_REGION')).toEqual({
      fieldRef: { fieldPath: "metadata.labels['topology.kubernetes.io/region']" },
    })
    expect(from('SKERRY_SECRETS')).toHaveProperty('secretKeyRef')
  })

  it('names only variables that somebody reads', () => {
    const read = `${text('app/main.mjs')} ${text('../packages/core/src/node/node-config.ts')} ${text('../packages/transport-libp2p/src/environment.ts')}`
    const names = [...container.env.map(({ name }) => name), ...Object.keys(fly.env)].filter(
      (name) => name !== 'POD_IP',
    )
    for (const name of names) expect(read, name).toContain(`'${name}'`)
  })
})

describe('processes with the environment of the template for Fly', () => {
  it('[node] are not ready before they have met another, and stay ready without it', { timeout: 180_000 }, async () => {
    const dns = await new DnsServer().start()
    onTestFinished(() => dns.stop())
    const [syd, lax] = [await Greeter.start('syd', dns), await Greeter.start('lax', dns)]
    expect(await syd.get('/readyz')).toMatchObject([503, { leaving: false, regions: ['syd'] }])
    dns.set('vms.greeter.internal', 'TXT', ['91851e13e45e58 syd'])
    dns.set('syd.greeter.internal', 'AAAA', '::1')
    for (const node of [syd, lax]) {
      await expect.poll(() => node.get('/readyz')).toMatchObject([200, { regions: ['lax', 'syd'] }])
    }
    syd.process.kill('SIGKILL')
    await expect.poll(() => lax.get('/readyz'), { timeout: 30_000 }).toMatchObject([200, { regions: ['lax'] }])
  })

  it('[node] are ready after a while where there is nobody to meet', { timeout: 180_000 }, async () => {
    const dns = await new DnsServer().start()
    onTestFinished(() => dns.stop())
    const first = await Greeter.start('syd', dns, { READY_ALONE_MS: '200' })
    await expect.poll(() => first.get('/readyz')).toMatchObject([200, { regions: ['syd'] }])
  })

  it('[node] find each other over IPv6, are probed, and drain at SIGTERM', { timeout: 180_000 }, async () => {
    const dns = await new DnsServer().start()
    onTestFinished(() => dns.stop())
    const [syd, lax] = [await Greeter.start('syd', dns), await Greeter.start('lax', dns)]
    // Machines of one app share a port; on one loopback address they can't, and so syd alone is listed.
    dns.set('vms.greeter.internal', 'TXT', ['91851e13e45e58 syd'])
    dns.set('syd.greeter.internal', 'AAAA', '::1')
    expect(await syd.get('/livez')).toEqual([200, 'alive'])
    await expect.poll(() => lax.get('/readyz')).toMatchObject([200, { regions: ['lax', 'syd'] }])
    expect(await lax.get('/greet?region=syd')).toEqual([200, 'hello from syd'])

    const slow = lax.get('/greet?region=syd&holdMs=1500')
    // Begun there, before it is told to leave.
    await expect.poll(() => syd.get('/readyz')).toMatchObject([200, { running: 1 }])
    syd.process.kill('SIGTERM')
    await expect.poll(() => syd.get('/readyz').catch(() => 'refused')).toBe('refused')
    expect(await slow).toEqual([200, 'hello from syd'])
    expect(await syd.ended).toBe(0)
    await expect.poll(() => lax.get('/readyz')).toMatchObject([200, { regions: ['lax'] }])
    expect(await lax.get('/greet?region=syd')).toEqual([502, { code: 'ERR_NO_NODE_IN_REGION', outcome: 'not-run' }])
    lax.process.kill('SIGTERM')
    expect(await lax.ended).toBe(0)
  })
})

/** What the templates use of Fly's configuration (fly.io/docs/reference/configuration), and the form of each value. */
const knownOfFly: Readonly<Record<string, RegExp>> = {
  app: /^[a-z0-9-]+$/,
  primary_region: /^[a-z]{3}$/,
  kill_signal: /^SIG(TERM|INT|QUIT|USR1|USR2|KILL|STOP)$/,
  kill_timeout: /^\d+s?$/,
  'build.dockerfile': /./,
  'deploy.strategy': /^(rolling|immediate|canary|bluegreen)$/,
  'http_service.internal_port': /^\d+$/,
  'http_service.force_https': /^(true|false)$/,
  'http_service.auto_stop_machines': /^(off|stop|suspend)$/,
  'http_service.auto_start_machines': /^(true|false)$/,
  'http_service.min_machines_running': /^\d+$/,
  'http_service.checks.method': /^(GET|HEAD)$/,
  'http_service.checks.path': /^\//,
  'http_service.checks.interval': /^\d+(s|m)$/,
  'http_service.checks.timeout': /^\d+(s|m)$/,
  'http_service.checks.grace_period': /^\d+(s|m)$/,
  'vm.size': /^[a-z0-9-]+$/,
  'vm.memory': /^\d+(mb|gb)$/,
}

function unknownIn(value: object, path = ''): string[] {
  return Object.entries(value).flatMap(([key, item]: [string, unknown]) => {
    const place = path === '' ? key : `${path}.${key}`
    if (Array.isArray(item)) return item.flatMap((one: object) => unknownIn(one, place))
    if (typeof item === 'object' && item !== null) return unknownIn(item, place)
    // A variable of the program's is its own business.
    if (path === 'env') return []
    const form = knownOfFly[place]
    if (form === undefined) return [`${place} is not known`]
    return form.test(String(item)) ? [] : [`${place} can not be ${String(item)}`]
  })
}

/** What TypeScript says of them as literals of Kubernetes' own types: a field that does not exist, or has another type. */
function problemsIn(described: readonly KubernetesObject[]): string {
  const types = dirname(createRequire(import.meta.url).resolve('kubernetes-types/package.json'))
  const root = fileURLToPath(new URL('../../../', import.meta.url))
  const own = mkdtempSync(join(tmpdir(), 'skerry-deploy-'))
  onTestFinished(() => rmSync(own, { recursive: true, force: true }))
  const program = join(own, 'manifest.ts')
  const literals = described.map((object, at) => {
    const group = object.apiVersion.includes('/') ? object.apiVersion : `core/${object.apiVersion}`
    return `export const o${at}: import('${types}/${group}').${object.kind} = ${JSON.stringify(object, undefined, 2)}`
  })
  writeFileSync(program, literals.join('\n'))
  const flags = ['--ignoreConfig', '--noEmit', '--strict', '--module', 'nodenext', '--pretty', 'false']
  const compiler = join(root, 'node_modules/typescript/bin/tsc')
  return spawnSync(process.execPath, [compiler, ...flags, program], { encoding: 'utf8' }).stdout
}

/** The template's program, with its environment but for ports, the name server and the loopback address. */
class Greeter {
  static #meshPort: number | undefined
  readonly process: ChildProcess
  readonly ended: Promise<number | null>
  readonly #port: number

  private constructor(child: ChildProcess, port: number) {
    this.process = child
    this.#port = port
    this.ended = once(child, 'exit').then(([code]) => code as number | null)
  }

  static async start(region: string, dns: DnsServer, own: Readonly<Record<string, string>> = {}): Promise<Greeter> {
    const port = await freePort(['::1'])
    const meshPort = (this.#meshPort ??= await freePort(['::1']))
    const changed = Object.fromEntries(
      Object.entries(fly.env).map(([name, value]) => [name, value.replace('4001', String(meshPort))]),
    )
    const child = spawn(process.execPath, [main], {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: {
        ...changed,
        PORT: String(port),
        HOST: '::1',
        ...(region !== 'syd' && { SKERRY_LISTEN: '/ip6/::1/tcp/0', SKERRY_ANNOUNCE: '/ip6/::1/tcp/1' }),
        FLY_APP_NAME: 'greeter',
        FLY_REGION: region,
        FLY_PRIVATE_IP: '::1',
        SKERRY_SECRETS: 'c2VjcmV0IG9mIHRoaXMgdGVzdCwgYW5kIG9mIG5vdGhpbmc=',
        SKERRY_DNS_SERVERS: dns.address,
        READY_ALONE_MS: '3600000',
        ...own,
      },
    })
    onTestFinished(() => void child.kill('SIGKILL'))
    const greeter = new Greeter(child, port)
    // Each loads libp2p: on a busy machine that takes its time.
    await expect.poll(() => greeter.get('/livez').catch(() => undefined), { timeout: 40_000 }).toBeDefined()
    return greeter
  }

  async get(path: string): Promise<[status: number, body: unknown]> {
    const response = await fetch(`http://[::1]:${this.#port}${path}`)
    return [response.status, await response.json()]
  }
}
