import { libp2pTransport } from '@skerry/transport-libp2p'
import { manySuite } from '../../core/test/rpc/many-suite.ts'

const secret = 'the secret of these tests, 32 characters'

manySuite({
  name: 'libp2p',
  spec: (mesh, { seeds, maxFrameBytes }) =>
    libp2pTransport({
      cluster: mesh,
      secrets: [secret],
      seeds,
      ...(maxFrameBytes !== undefined && { maxFrameBytes }),
    }),
})
