import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { RawLink } from '@skerry/core/transport'
import { describe, expect, it, onTestFinished } from 'vitest'
import { cluster, frames, secret, startNode } from './nodes.ts'

const script = fileURLToPath(new URL('./fixtures/peer-process.mjs', import.meta.url))

describe('a peer in another process', () => {
  it('that is killed is noticed on the link to it', async () => {
    const { child, link } = await startPeerProcess()
    await Promise.all([frames(link, 0, 3), frames(link, 1, 3)])
    child.kill('SIGKILL')
    expect(await link.closed).toMatchObject({ local: false })
    expect(link.lane(0).send(Uint8Array.of(1))).toBe(false)
  })

  it('that is killed is noticed also where frames wait on paused lanes', async () => {
    const { child, link } = await startPeerProcess()
    await Promise.all([pausedAtFirstFrame(link, 0), pausedAtFirstFrame(link, 1)])
    child.kill('SIGKILL')
    expect(await link.closed).toMatchObject({ local: false })
  })

  it('ends by itself once its transport has stopped', async () => {
    const { child, link } = await startPeerProcess()
    const exited = once(child, 'exit')
    link.lane(0).send(Uint8Array.of(1))
    expect(await link.closed).toMatchObject({ local: false })
    expect(await exited).toEqual([0, null])
  })
})

function pausedAtFirstFrame(link: RawLink, lane: number): Promise<void> {
  return new Promise((resolve) => {
    link.lane(lane).onFrame(() => {
      link.lane(lane).pause()
      resolve()
    })
  })
}

async function startPeerProcess(): Promise<{ child: ChildProcess; link: RawLink }> {
  const node = await startNode()
  const accepted = node.nextAccepted()
  const options = JSON.stringify({ cluster, secrets: [secret] })
  const child = spawn(process.execPath, [script, node.address, options], { stdio: 'inherit' })
  onTestFinished(() => void child.kill('SIGKILL'))
  return { child, link: await accepted }
}
