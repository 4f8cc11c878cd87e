import { libp2pTransport } from '@skerry/transport-libp2p'
import { failureMatrix } from '../../core/test/rpc/failure-matrix.ts'

failureMatrix({
  name: 'libp2p',
  spec: (mesh, { seeds }) =>
    libp2pTransport({ cluster: mesh, secrets: ['the secret of these tests, 32 characters'], seeds }),
})
