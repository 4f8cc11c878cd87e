import { createHash } from 'node:crypto'

// What the layout of subjects and of the bytes on them is called. Two versions never hear each other.
const root = 'skerry.1'
const tagBytes = 16
const addressPattern = /^nats:([A-Za-z0-9_-]{22})\/([A-Za-z0-9_-]{43})$/

/**
 * The subjects of one cluster. All stand under one prefix, made from a digest of the cluster's name: so clusters never
 * meet on a server that they share, and no name, however long or odd, makes a subject long or odd. At most 80 characters.
 */
export interface Subjects {
  readonly tag: string
  /** What all nodes listen to: records and signs of life. */
  readonly broadcast: string
  /** Where one node is asked for a link. */
  node(id: string): string
  /** Where one life of a node hears of all its links. A wildcard, so that a new link needs no subscription of its own. */
  links(life: string): string
  /** Where one end of one link hears. */
  link(life: string, number: number): string
}

export function subjectsOf(cluster: string): Subjects {
  const tag = clusterTag(cluster)
  const prefix = `${root}.${tag}`
  return {
    tag,
    broadcast: `${prefix}.all`,
    node: (id) => `${prefix}.node.${id}`,
    links: (life) => `${prefix}.link.${life}.*`,
    link: (life, number) => `${prefix}.link.${life}.${number}`,
  }
}

/** The address of a node in this transport's form: `nats:<digest of the cluster's name>/<node id>`. */
export function natsAddress(cluster: string, id: string): string {
  return formatAddress(clusterTag(cluster), id)
}

export function formatAddress(tag: string, id: string): string {
  return `nats:${tag}/${id}`
}

/** `undefined` for what is not an address. */
export function parseAddress(address: string): { readonly tag: string; readonly id: string } | undefined {
  const [, tag, id] = addressPattern.exec(address) ?? []
  return tag === undefined || id === undefined ? undefined : { tag, id }
}

function clusterTag(cluster: string): string {
  return createHash('sha256')
    .update(`skerry nats cluster\0${cluster}`)
    .digest()
    .subarray(0, tagBytes)
    .toString('base64url')
}
