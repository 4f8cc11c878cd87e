/** What delays and loses the packets between hosts: the kernel, or a process of ours behind TAP devices. */
export type HostKind = 'netem' | 'wire'

export type HostChoice = { readonly kind: HostKind } | { readonly missing: string }

/** What is tried; each throws where it does not work. */
export interface HostTrials {
  readonly namespaces: () => void
  /** A veth pair with netem on it. */
  readonly netem: () => void
  readonly tap: () => void
}

/** Netem wherever the kernel has it; else TAP devices, by hand; without namespaces nothing, whatever else there is. */
export function chooseHostKind({ namespaces, netem, tap }: HostTrials): HostChoice {
  const noNamespaces = problemOf(namespaces)
  if (noNamespaces !== undefined) return { missing: `no network namespaces: ${noNamespaces}` }
  if (problemOf(netem) === undefined) return { kind: 'netem' }
  if (problemOf(tap) === undefined) return { kind: 'wire' }
  return { missing: 'neither tc netem, nor TAP devices and Perl to do it by hand' }
}

/** What the run says of it, so that nobody takes one for the other. */
export function hostLine(choice: HostChoice): string {
  if ('missing' in choice) return `hosts are not tried: ${choice.missing}`
  const by = { netem: 'by tc netem', wire: 'by hand on TAP devices, as this kernel has no netem' }[choice.kind]
  return `hosts: network namespaces, packets delayed and lost ${by}`
}

function problemOf(trial: () => void): string | undefined {
  try {
    trial()
    return undefined
  } catch (error) {
    return String(error).split('\n')[0] ?? ''
  }
}
