import { actorName, type Files, genServer, type InitContext, type Pid, sometimes } from '@skerry/core'

/** An order as it is stored: at most one for each key. */
export interface StoredOrder {
  readonly key: string
  readonly order: string
}

const path = 'orders.log'
// How long a disk takes to write and to flush: so long the node may crash in between.
const diskMs = 2

interface State {
  readonly stored: StoredOrder[]
  readonly places: Map<string, number>
}

/**
 * The database of the orders: appends to a file and syncs it before it answers, and reads it again after a crash. The
 * same key again gets the place of the first.
 */
export const orderLog = genServer({
  name: 'orderLog',
  async init(ctx: InitContext): Promise<State> {
    const { stored, lost } = parseLog(await ctx.files.read(path))
    sometimes(lost, 'swarm/a torn tail of the order log was cut off')
    if (lost) await ctx.files.write(path, encode(stored))
    return { stored, places: new Map(stored.map(({ key }, place) => [key, place])) }
  },
  call: {
    async insert(ctx, wanted: StoredOrder): Promise<number> {
      const known = ctx.state.places.get(wanted.key)
      sometimes(known !== undefined, 'swarm/a retried order was already stored')
      if (known !== undefined) return known
      await ctx.files.append(path, encode([wanted]))
      await new Promise<void>((resolve) => ctx.clock.after(diskMs, resolve))
      await ctx.files.sync(path)
      ctx.state.places.set(wanted.key, ctx.state.stored.length)
      return ctx.state.stored.push(wanted) - 1
    },
  },
})

interface OrderLogProtocol {
  call: { insert(wanted: StoredOrder): number }
  cast: Record<never, never>
}

export const orderLogName = actorName<OrderLogProtocol>('orderLog')
export type OrderLogPid = Pid<OrderLogProtocol>

/** What the disk holds, wholly written lines only. */
export async function readOrders(files: Files): Promise<readonly StoredOrder[]> {
  return parseLog(await files.read(path)).stored
}

function encode(orders: readonly StoredOrder[]): Uint8Array {
  const lines = orders.map((order) => {
    const text = JSON.stringify(order)
    return `${checksum(text)} ${text}\n`
  })
  return new TextEncoder().encode(lines.join(''))
}

/** The lines up to the first that is not whole, and whether there was such a line. */
function parseLog(bytes: Uint8Array | undefined): { stored: StoredOrder[]; lost: boolean } {
  const lines = new TextDecoder().decode(bytes ?? new Uint8Array()).split('\n')
  // Behind the last line feed there is nothing, or a line that was not finished.
  const unfinished = lines.pop() !== ''
  const stored: StoredOrder[] = []
  for (const line of lines) {
    const space = line.indexOf(' ')
    const text = line.slice(space + 1)
    if (line.slice(0, space) !== checksum(text)) return { stored, lost: true }
    stored.push(JSON.parse(text) as StoredOrder)
  }
  return { stored, lost: unfinished }
}

/** FNV-1a: enough against a torn line. */
function checksum(text: string): string {
  let hash = 0x811c9dc5
  for (let index = 0; index < text.length; index += 1) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193)
  return (hash >>> 0).toString(16)
}
