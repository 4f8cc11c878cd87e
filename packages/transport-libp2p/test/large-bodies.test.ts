import { libp2pTransport } from '@skerry/transport-libp2p'
import { largeBodiesSuite } from '../../core/test/rpc/large-bodies-suite.ts'

const secret = 'the secret of these tests, 32 characters'

largeBodiesSuite({
  name: 'libp2p',
  spec: (mesh, { seeds }) => libp2pTransport({ cluster: mesh, secrets: [secret], seeds }),
})
