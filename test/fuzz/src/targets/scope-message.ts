import { isPid, parsePid } from '../../../../packages/core/dist/actor/pid.js'
import { msgpackCodec } from '../../../../packages/core/dist/codec/msgpack-codec.js'
import { PeerView } from '../../../../packages/core/dist/groups/peer-view.js'
import { isCount, isDeltas, isPart, isWant } from '../../../../packages/core/dist/groups/scope-message.js'
import { type Draw, drawCount, pick } from '../draw.ts'
import { check, type Target, unlessRefused } from '../target.ts'

const codec = msgpackCodec()
const scope = { node: 'peer', life: 5, thread: 0, serial: 9 }
const membersMax = 50

/** What the scopes of process groups tell each other: a list of messages, of which each may be anything. */
export const scopeMessageTarget: Target = {
  name: 'scope-message',
  seeds: () =>
    [
      [[{ version: 1, type: 'join', group: 'g', places: [0, 9, 1, 9] }], 4, { have: 1, snapshot: 0, part: 0 }],
      [
        { version: 5, part: 0, parts: 2, groups: [['g', [0, 1]]] },
        { version: 5, part: 1, parts: 2, groups: [] },
      ],
      [[{ version: 1, type: 'leave', group: 'g', places: [] }], scope, '<peer/5/0/9>'],
    ].map((messages) => codec.encode(messages)),
  generate: (draw) => codec.encode(Array.from({ length: draw(6) }, () => drawMessage(draw))),
  run(input) {
    const messages = unlessRefused(['ERR_NOT_DECODABLE'], () => codec.decode(input))
    const view = new PeerView(scope, membersMax)
    for (const message of Array.isArray(messages) ? (messages as unknown[]) : [messages]) {
      if (isDeltas(message)) view.takeDeltas(message)
      else if (isPart(message)) view.takePart(message)
      else if (isCount(message)) view.takeBeat(message)
      else isWant(message)
      isPid(message)
      if (typeof message === 'string') parsePid(message)
      view.nextPull()
      check(view.members.size <= membersMax, 'a peer has no more members than fit')
    }
  },
}

function drawMessage(draw: Draw): unknown {
  const version = pick(draw, [1, 2, 3, drawCount(draw)])
  const places = (): number[] => Array.from({ length: draw(60) }, () => draw(30))
  switch (draw(3)) {
    case 0:
      return Array.from({ length: draw(5) }, (_, index) => ({
        version: version + index,
        type: pick(draw, ['join', 'join', 'leave']),
        group: `g${draw(3)}`,
        places: places(),
      }))
    case 1:
      return { version, part: draw(3), parts: 1 + draw(3), groups: [[`g${draw(3)}`, places()]] }
    default:
      return version
  }
}
