/** One family of Prometheus' text format, read as strictly as its specification says. */
export interface ParsedFamily {
  readonly type: string
  readonly help: string
  readonly samples: { readonly name: string; readonly labels: Record<string, string>; readonly value: number }[]
}

const sampleForm = /^(?<name>[a-zA-Z_:][\w:]*)(?:\{(?<labels>.*)\})? (?<value>\S+)$/
const labelForm = /(?<name>[a-zA-Z_]\w*)="(?<value>(?:[^"\\\n]|\\["\\n])*)"(?:,|$)/y

/** Throws for anything that Prometheus would refuse: a sample outside of its family, a family twice, a series twice. */
export function parsePrometheus(text: string): Map<string, ParsedFamily> {
  if (!text.endsWith('\n')) throw new Error('The last line must end with a line feed')
  const families = new Map<string, ParsedFamily>()
  let name = ''
  let help = ''
  const seen = new Set<string>()
  for (const line of text.slice(0, -1).split('\n')) {
    const [, keyword, metric = '', rest = ''] = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line) ?? []
    if (keyword === 'HELP') {
      help = rest
      name = metric
    } else if (keyword === 'TYPE') {
      if (metric !== name || families.has(metric)) throw new Error(`The type of ${metric} stands at the wrong place`)
      families.set(metric, { type: rest, help, samples: [] })
    } else {
      const groups = sampleForm.exec(line)?.groups
      if (groups === undefined) throw new Error(`No sample: ${line}`)
      const family = families.get(name)
      const suffix = (groups['name'] as string).slice(name.length)
      const fits = family?.type === 'histogram' ? ['_bucket', '_sum', '_count'] : ['']
      if (family === undefined || !(groups['name'] as string).startsWith(name) || !fits.includes(suffix)) {
        throw new Error(`${line} is not of ${name}`)
      }
      const series = line.slice(0, line.lastIndexOf(' '))
      if (seen.has(series)) throw new Error(`Twice: ${series}`)
      seen.add(series)
      family.samples.push({
        name: groups['name'] as string,
        labels: parseLabels(groups['labels']),
        value: parseValue(groups['value'] as string),
      })
    }
  }
  return families
}

function parseLabels(text: string | undefined): Record<string, string> {
  const labels: Record<string, string> = {}
  if (text === undefined) return labels
  labelForm.lastIndex = 0
  while (labelForm.lastIndex < text.length) {
    const from = labelForm.lastIndex
    const groups = labelForm.exec(text)?.groups
    if (groups === undefined) throw new Error(`No label: ${text.slice(from)}`)
    const value = (groups['value'] as string).replaceAll(/\\(.)/g, (_all, letter: string) =>
      letter === 'n' ? '\n' : letter,
    )
    labels[groups['name'] as string] = value
  }
  return labels
}

function parseValue(text: string): number {
  if (text === '+Inf') return Infinity
  if (!/^-?\d+(\.\d+)?(e[+-]?\d+)?$/.test(text)) throw new Error(`No number: ${text}`)
  return Number(text)
}
