import { type NodeId, TransportError } from '@skerry/core'
import type { RawLink } from '@skerry/core/transport'
import type { Scheduled, Unit } from '../kernel/sim-kernel-contract.ts'
import { connect } from './sim-link.ts'
import { drop, type Life, type Machine, type Wire } from './wire.ts'

export interface DialOptions {
  readonly wire: Wire
  readonly dialler: Life
  /** Whose address it is, if anybody's. */
  readonly target: Machine | undefined
  readonly address: string
  readonly expect: NodeId | undefined
  readonly signal: AbortSignal
  /** Where a dial in progress can be ended from, when its node stops. */
  readonly pending: Set<(error: TransportError) => void>
}

/**
 * Knocks, is answered, confirms: the dialler has its link after one round trip, the other side after one and a half.
 * A knock that stays without an answer, since a path is cut or the machine silent, is sent again as TCP on Linux sends its
 * first segment again: after 1 s, 3 s, 7 s and so on, six times. The dial ends when it is answered, or when `signal` says so.
 */
export function dial(options: DialOptions): Promise<RawLink> {
  const { wire, dialler, target, address, expect, signal, pending } = options
  wire.counters.dials += 1
  if (signal.aborted) return Promise.reject(aborted(address, signal))
  return new Promise((resolve, reject) => {
    let isSettled = false
    let again: Scheduled | undefined
    const settle = (): void => {
      isSettled = true
      again?.cancel()
      signal.removeEventListener('abort', abort)
      pending.delete(fail)
    }
    const fail = (error: TransportError): void => {
      if (isSettled) return
      settle()
      reject(error)
    }
    const abort = (): void => fail(aborted(address, signal))
    signal.addEventListener('abort', abort, { once: true })
    pending.add(fail)
    const answered = (answer: Life | undefined): void => {
      if (isSettled) return
      if (answer === undefined) fail(new TransportError('ERR_DIAL_FAILED', `Nobody at ${address.slice(0, 400)}`))
      else if (expect !== undefined && answer.machine.name !== expect) fail(wrongPeer(address, expect))
      else if (answer.key !== dialler.key) fail(refused(answer))
      else {
        settle()
        resolve(connect(wire, dialler, answer))
      }
    }
    const knockAgain = (times: number): void => {
      knock(wire, dialler, target, answered)
      if (isSettled || times === knocksMax) return
      const atUs = wire.kernel.nowUs + knockAgainUs * 2 ** (times - 1)
      again = wire.kernel.schedule(dialler.unit, atUs, 'timer', () => knockAgain(times + 1), {
        msg: () => 'dial again',
      })
    }
    knockAgain(1)
  })
}

/** After the first knock, and twice as long after each further one, in microseconds. */
const knockAgainUs = 1_000_000
const knocksMax = 7

/** Calls `answered` in an event of the dialler: with who runs there, or with nobody. Never, when an answer can't come. */
function knock(
  wire: Wire,
  dialler: Life,
  target: Machine | undefined,
  answered: (answer: Life | undefined) => void,
): void {
  const { kernel } = wire
  const { machine, unit } = dialler
  if (target === undefined) {
    // No such name: told at once, by no other node.
    kernel.schedule(unit, kernel.nowUs, 'recv', () => answered(undefined), { msg: () => 'no such address' })
    return
  }
  const { life } = target
  if (life === undefined && !target.answers) {
    drop(wire, unit, target.name, 'silent')
    return
  }
  // While nothing runs there its machine answers, in an event that is of no unit of its own.
  const answerer = life?.unit ?? unit
  sendPacket(wire, 'dial', { unit, machine }, { unit: answerer, machine: target }, () => {
    const answer = life?.isRunning === true ? life : undefined
    const label = answer === undefined ? 'refused' : 'answer'
    sendPacket(wire, label, { unit: answerer, machine: target }, { unit, machine }, () => answered(answer))
  })
}

interface Port {
  readonly unit: Unit
  readonly machine: Machine
}

/** One packet outside any connection: lost when the path is cut. */
function sendPacket(wire: Wire, label: string, from: Port, to: Port, run: () => void): void {
  const { kernel } = wire
  const msg = (): string => label
  const cause = kernel.note(from.unit, 'send', { peer: to.machine.name, msg })
  const path = wire.path(from.machine, to.machine)
  if (path.isCut) drop(wire, from.unit, to.machine.name, 'cut')
  else kernel.schedule(to.unit, kernel.nowUs + path.streamUs(), 'recv', run, { peer: from.machine.name, msg, cause })
}

function wrongPeer(address: string, expected: NodeId): TransportError {
  return new TransportError('ERR_WRONG_PEER', `${address} is not the node ${expected}`)
}

function refused({ machine }: Life): TransportError {
  return new TransportError('ERR_PEER_REFUSED', `${machine.name} has another cluster name or another secret`)
}

function aborted(address: string, signal: AbortSignal): TransportError {
  return new TransportError('ERR_DIAL_FAILED', `Dialling ${address.slice(0, 400)} was aborted`, {
    cause: signal.reason,
  })
}
