import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { DeployedCluster } from '../../../../test/real/dist/deployed-cluster.js'

const [oldSecret, newSecret] = ['the secret before the change', 'the secret behind the change'] as const

/** Two regions of two processes each over libp2p, asked for 500 calls a second by one another all the time. */
describe('a cluster of processes under load', () => {
  let cluster: DeployedCluster

  beforeAll(async () => {
    cluster = await DeployedCluster.start({ release: 1, secrets: [oldSecret] })
    cluster.ask(500)
  }, 60_000)
  afterAll(() => cluster.stop())

  it('loses no call while every node is deployed anew, old and new code side by side', async () => {
    const codes = await cluster.roll({ release: 2, secrets: [oldSecret, newSecret] })
    const { failures, served } = cluster.tally
    expect(failures).toEqual([])
    expect(codes).toEqual([0, 0, 0, 0])
    // Old callers were served by old and by new nodes, new callers by new ones.
    expect([...served.keys()].toSorted()).toEqual(['1>1', '1>2', '2>2'])
  }, 240_000)

  it('loses no call while the secret is changed, in two more rounds', async () => {
    await cluster.roll({ release: 2, secrets: [newSecret, oldSecret] })
    await cluster.roll({ release: 2, secrets: [newSecret] })
    await cluster.quiet()
    const { failures, served, calls } = cluster.tally
    expect(failures).toEqual([])
    expect([...served.values()].reduce((sum, count) => sum + count, 0)).toBe(calls)
  }, 240_000)
})
