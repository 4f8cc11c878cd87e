import { libp2pTransport } from '@skerry/transport-libp2p'
import { streamSuite } from '../../core/test/rpc/stream-suite.ts'

const secret = 'the secret of these tests, 32 characters'

streamSuite({
  name: 'libp2p',
  spec: (mesh, { seeds, maxFrameBytes }) =>
    libp2pTransport({
      cluster: mesh,
      secrets: [secret],
      seeds,
      ...(maxFrameBytes !== undefined && { maxFrameBytes }),
    }),
})
