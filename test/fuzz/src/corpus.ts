import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

// A text file for each decoder, an input a line in hexadecimal digits; what follows a "#" is for people.
const folder = fileURLToPath(new URL('../corpus/', import.meta.url))

export function readCorpus(target: string): Uint8Array[] {
  const file = `${folder}${target}.txt`
  return existsSync(file) ? linesOf(file).flatMap((line) => inputOf(line) ?? []) : []
}

/** Replaces the inputs that have no remark: one with a remark was a finding, and stays. */
export function writeCorpus(target: string, inputs: readonly Uint8Array[]): void {
  mkdirSync(folder, { recursive: true })
  const file = `${folder}${target}.txt`
  const remarked = existsSync(file) ? linesOf(file).filter((line) => line.includes('#')) : []
  const others = inputs.map(hexOf).filter((hex) => !remarked.some((line) => line.startsWith(`${hex} `)))
  writeFileSync(file, [...remarked, ...others.sort((left, right) => left.length - right.length), ''].join('\n'))
}

export function hexOf(input: Uint8Array): string {
  return Buffer.from(input).toString('hex')
}

export function bytesOf(hex: string): Uint8Array {
  return new Uint8Array(Buffer.from(hex, 'hex'))
}

function linesOf(file: string): string[] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
}

function inputOf(line: string): Uint8Array | undefined {
  const hex = line.split('#', 1)[0]?.trim() ?? ''
  return hex === '' && line.startsWith('#') ? undefined : bytesOf(hex)
}
