import { transportConformance } from '@skerry/testing/conformance'
import { createLibp2pTransport } from '@skerry/transport-libp2p'
import { describe, it } from 'vitest'
import { testPlatform } from './test-platform.ts'

const clusterSecret = 'a secret that all members know'

transportConformance('libp2p', {
  suite: { describe, it },
  supports: {
    lanes: 3,
    gossip: true,
    maxFrameBytes: 1024 * 1024,
    secret: true,
    cluster: true,
    frameLimit: 'option',
  },
  platform: () => testPlatform(),
  // Port 1 of the loopback: nothing listens there, so the machine refuses at once.
  nobody: () => '/ip4/127.0.0.1/tcp/1',
  create: ({ member, world, maxFrameBytes }) =>
    createLibp2pTransport({
      cluster: member === 'outsider' ? `${world}-other` : world,
      secrets: [member === 'stranger' ? 'a secret that no member knows' : clusterSecret],
      ...(maxFrameBytes !== undefined && { maxFrameBytes }),
    }),
})
