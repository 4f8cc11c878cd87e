import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A key and its certificate: as files, and as texts in PEM. */
export interface Certified {
  readonly certFile: string
  readonly keyFile: string
  readonly cert: string
  readonly key: string
}

export interface TlsCertificates {
  readonly authority: Certified
  /** For 127.0.0.1. */
  readonly server: Certified
  /** For another host. */
  readonly elsewhere: Certified
  readonly client: Certified
  /** Made by nobody's authority but itself. */
  readonly stranger: Certified
}

/** Why no certificates can be made here; nothing, where they can. */
export const noCertificates: string | undefined =
  spawnSync('openssl', ['version']).status === 0 ? undefined : 'there is no openssl here, which makes certificates'

/** Fresh ones, for two days; gone with the process. */
export function makeCertificates(): TlsCertificates {
  const folder = mkdtempSync(join(tmpdir(), 'skerry-tls-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  const make = (name: string, host: string, by?: Certified): Certified => {
    const [certFile, keyFile] = [join(folder, `${name}.pem`), join(folder, `${name}.key`)]
    const signed = by === undefined ? [] : ['-CA', by.certFile, '-CAkey', by.keyFile]
    const { status, stderr } = spawnSync('openssl', [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'],
      ...['-subj', `/CN=${name}`, '-addext', `subjectAltName=${host}`, '-keyout', keyFile, '-out', certFile],
      ...['-addext', `basicConstraints=critical,CA:${by === undefined ? 'TRUE' : 'FALSE'}`],
      ...signed,
    ])
    if (status !== 0) throw new Error(`openssl: ${String(stderr)}`)
    return { certFile, keyFile, cert: readFileSync(certFile, 'utf8'), key: readFileSync(keyFile, 'utf8') }
  }
  const authority = make('authority', 'DNS:authority.test')
  return {
    authority,
    server: make('server', 'IP:127.0.0.1', authority),
    elsewhere: make('elsewhere', 'DNS:elsewhere.test', authority),
    client: make('client', 'DNS:client.test', authority),
    stranger: make('stranger', 'DNS:client.test'),
  }
}
