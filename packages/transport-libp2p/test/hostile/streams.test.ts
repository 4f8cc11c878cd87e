import { unreadAnswers, unreadRoom } from './deaf-suite.ts'
import { endlessFrames } from './frame-suite.ts'
import { overLibp2p } from './hostile-world.ts'
import { hostileStreams, unreadStreams } from './stream-suite.ts'

const mesh = () => overLibp2p('@skerry/transport-libp2p')
hostileStreams(mesh)
unreadStreams(mesh)
unreadRoom(mesh)
unreadAnswers(mesh)
endlessFrames(mesh)
