import type { Attachment } from '../actor/attachments.ts'
import type { Deadline, DeadlinePlace } from '../actor/deadline-queue.ts'
import { isLost, type LoneEdge, type LoneHolder, type LostPeer } from '../actor/edges.ts'
import type { ExitReason } from '../actor/exit-reason.ts'
import type { Addressable } from '../actor/host.ts'
import type { Kernel } from '../actor/kernel.ts'
import type { NodeDownMessage, NodeUpMessage } from '../actor/mailbox.ts'
import type { NodeWatcher } from '../actor/node-watchers.ts'
import type { NodeId, Pid } from '../actor/pid.ts'
import type { RemoteOwner, RpcOptions } from '../actor/remote-verbs.ts'
import type { Attempt, ChoiceExplanation } from '../actor/rpc-report.ts'
import type { Body, Failure, Signal, SpawnRequest } from '../actor/signal.ts'
import type { Timer } from '../platform/clock.ts'
import { reachable, sometimes } from '../platform/property.ts'
import { rpcCalls, type ServedTimes } from '../platform/telemetry.ts'
import type { RegionTableNode } from '../region/region-table-layout.ts'
import { CallEvents, traceOf } from './call-events.ts'
import {
  aborted,
  atNoNode,
  callerStopped,
  itemLost,
  nodeLost,
  primaryNotKnown,
  processEnded,
  refusedAgain,
  resultUndecodable,
  timedOut,
  waitedInVain,
} from './call-failures.ts'
import type { CallPlan } from './call-plan.ts'
import { tellReport } from './call-report.ts'
import { reconnectWaitMs, timeLeftMs } from './call-times.ts'
import { CallWait } from './call-wait.ts'
import type { TokenOptions } from './causal-token.ts'
import { isStreamSignal, type StreamCarrier, type StreamedOptions } from './call-stream.ts'
import { RpcError } from './errors.ts'
import { afterNotPrimary, isNews, primaryNewsMs } from './primary-news.ts'
import { mayTryElsewhere, mayWaitAfter } from './retry.ts'
import { timeoutMsMax } from './rpc-options.ts'
import { keepLast, Tries } from './tries.ts'

interface LostCall {
  readonly failure: Failure
  readonly timer: Timer | undefined
}

/**
 * One call by region, owned by the actor (or the plain code) that made it. It has an address of its own, and the remote
 * process is linked to that address: so the process's end settles the call and never touches the owner, and the
 * owner's end, an abort or the deadline ends the process.
 */
export class RemoteCall implements Addressable, Attachment, Deadline, LoneHolder, NodeWatcher, StreamCarrier {
  readonly pid: Pid
  place: DeadlinePlace | number | undefined = undefined
  attachedAt: number | undefined = undefined
  edgeAt: number | undefined = undefined

  readonly #kernel: Kernel
  readonly #owner: RemoteOwner
  readonly #plan: CallPlan
  readonly #options: RpcOptions
  readonly #input: Body
  #resolve: (value: unknown) => void = ignore
  #reject: (error: unknown) => void = ignore
  // Made when there is one: most calls succeed at once, and nobody asks why.
  #attempts: Attempt[] | undefined
  #choices: ChoiceExplanation[] | undefined
  /** What failed. Most calls are tried once. */
  #tries: Tries | undefined
  #lastFailure: Failure | undefined
  #node: RegionTableNode | undefined
  #target: Pid | undefined
  #edge: LoneEdge | undefined
  /** The connection was lost under a call with a key: it goes on when it is back. */
  #lost: LostCall | undefined
  /** Nobody could serve it yet. */
  #waiting: CallWait | undefined
  #open = true
  #events: CallEvents | undefined
  #onAbort: (() => void) | undefined

  constructor(kernel: Kernel, owner: RemoteOwner, plan: CallPlan, options: RpcOptions, input: Body) {
    this.pid = kernel.allocatePid()
    this.#kernel = kernel
    this.#owner = owner
    this.#plan = plan
    this.#options = options
    this.#input = input
  }

  /** Makes the call, and gives its answer. */
  begin(): Promise<unknown> {
    // One function for all: a closure each, and what that closes over, would be a twentieth of what a call allocates.
    const promise = new Promise(takeResolvers)
    this.#resolve = made.resolve
    this.#reject = made.reject
    // Else they would keep the result until the next call.
    made.resolve = ignore
    made.reject = ignore
    try {
      this.#begin()
    } catch (thrown) {
      this.#reject(thrown)
    }
    return promise
  }

  #begin(): void {
    const options = this.#options
    const timeoutMs = timeLeftMs(this.#kernel.platform.clock, this.#owner, options)
    this.#kernel.add(this)
    this.#owner.attach(this)
    if (rpcCalls.hasSubscribers) {
      this.#events = CallEvents.begin({ kernel: this.#kernel, owner: this.#owner, plan: this.#plan })
    }
    if (options.signal !== undefined) {
      this.#onAbort = () => this.#aborted()
      options.signal.addEventListener('abort', this.#onAbort, { once: true })
    }
    this.#kernel.deadlines.addBehindTurns(this, timeoutMs)
    this.#attempt(timeoutMs)
  }

  deliver(signal: Signal): void {
    const fromTarget = signal.to.serial === this.pid.serial
    if (!fromTarget) return
    if (signal.type === 'reply' && (signal.via === undefined || signal.via === this.#target?.node)) {
      if (signal.result.ok && signal.result.token !== undefined) {
        ;(this.#options as TokenOptions).onToken?.(signal.result.token)
      }
      if (signal.result.ok) this.#succeed(signal.result.value, signal.result.encoded, signal.served)
      else if (this.#isOfItem(signal.result.failure)) this.#lostItem(signal.result.failure)
      else this.#failed(signal.result.failure)
    } else if (signal.type === 'exit' && signal.from.node === this.#target?.node) {
      this.#failed(processEnded(signal.reason, !this.#mayNotHaveBegun))
    } else if (isStreamSignal(signal) && signal.from.node === this.#target?.node) {
      ;(this.#options as StreamedOptions).stream?.take(signal)
    } else if (signal.type !== 'link') {
      // A process on another thread says once more that it is linked, which is true since the request.
      this.#kernel.counters.refusedSignals += 1
    }
  }

  peerLost(lost: LostPeer, reason: (pid: Pid) => ExitReason): void {
    if (this.#target === undefined || !isLost(this.#target, lost)) return
    const failure = nodeLost(reason(this.#target))
    if (this.#options.idempotencyKey === undefined) this.#failed(failure)
    else this.#awaitReturn(failure)
  }

  /** The connection is back, or another life of that node is. */
  notify(message: NodeUpMessage | NodeDownMessage): void {
    const node = this.#node
    if (this.#lost === undefined || this.#target !== undefined) return
    if (message.type !== 'nodeUp' || message.node !== node?.node) return
    if (message.life !== node.life) this.#finish(this.#lost.failure)
    else {
      reachable('skerry/a call with a key was sent again to the life that had it')
      this.#lost.timer?.cancel()
      this.#send(node)
    }
  }

  /** The owning actor is gone: nobody waits. Plain code still does when its node stops, and is told. */
  ownerExited(reason: ExitReason): void {
    this.#giveUp(callerStopped(reason), reason)
  }

  /** Whoever reads its items gives up. */
  abandon(failure: Failure, reason: ExitReason): void {
    this.#giveUp(failure, reason)
  }

  expire(): void {
    if (this.#lost !== undefined && this.#target === undefined) this.#finish(this.#lost.failure)
    else if (this.#waiting !== undefined) this.#finish(this.#waiting.failure)
    else this.#giveUp(timedOut, 'timeout')
  }

  #aborted(): void {
    this.#giveUp(aborted(this.#options.signal?.reason), 'cancelled')
  }

  /** `leftMs`: of the call's time, which is known of the first one. */
  #attempt(leftMs?: number): void {
    const chosen = this.#choose(leftMs !== undefined)
    if ('outcome' in chosen) {
      if (this.#mayWait(this.#lastFailure ?? chosen)) this.#wait(chosen)
      // The reason why the last node would not do says more than that there is no further one.
      else this.#finish(this.#lastFailure ?? chosen)
      return
    }
    this.#send(chosen, leftMs)
  }

  #choose(isFirst = false): RegionTableNode | Failure {
    const plan = this.#plan
    const tried = this.#tries?.nodes ?? none
    if (this.#options.explain === undefined && this.#events?.explains !== true) {
      return isFirst ? plan.chooser.first(plan) : plan.chooser.choose(plan, tried)
    }
    const { chosen, explanation } = plan.chooser.explain(plan, tried)
    this.#events?.chose(explanation)
    if (explanation !== undefined) keepLast((this.#choices ??= []), explanation)
    return chosen
  }

  #send(chosen: RegionTableNode, leftMs = this.#kernel.deadlines.leftMs(this)): void {
    const target = pidOf(chosen)
    this.#node = chosen
    this.#target = target
    this.#edge = this.#kernel.addLoneEdge(target, this)
    const { stream } = this.#options as StreamedOptions
    const request: SpawnRequest = {
      procedure: this.#plan.procedure.name,
      version: this.#plan.procedure.version,
      timeLeftMs: leftMs,
      idempotencyKey: this.#options.idempotencyKey,
      callerRegion: this.#plan.callerRegion,
      callerRoles: undefined,
      input: this.#input,
      trace: this.#events === undefined ? traceOf(this.#owner) : this.#events.trace,
    }
    this.#events?.sent(chosen)
    stream?.sent(this)
    const sent = stream === undefined ? request : { ...request, stream: stream.request }
    this.#kernel.routeSpawn({ type: 'spawn', from: this.pid, to: target, request: sent })
  }

  /** Of a stream: its process has not said that it begins, and may have lost that word with its thread. */
  get #mayNotHaveBegun(): boolean {
    return (this.#options as StreamedOptions).stream?.hasBegun === false
  }

  /** Whether it is an item of a stream that was not sent: of what has begun, nothing else can be said not to have run. */
  #isOfItem({ outcome }: Failure): boolean {
    return outcome === 'not-run' && (this.#options as StreamedOptions).stream?.hasBegun === true
  }

  /** Its process would wait for the item. */
  #lostItem(failure: Failure): void {
    this.#giveUp(itemLost(failure), 'cancelled')
  }

  /** Tries again: others as soon as the region table knows of them, those that refused it after a pause. */
  #wait(failure: Failure): void {
    ;(this.#options as StreamedOptions).stream?.waits(this)
    const { clock, random } = this.#kernel.platform
    const tries = this.#tries
    const stopListening = this.#plan.chooser.onTable(() => {
      if (tries?.areSpent === true) return
      const chosen = this.#choose()
      if ('outcome' in chosen) return
      this.#stopWaiting()
      this.#send(chosen)
    })
    const nextRound = (): void => {
      this.#stopWaiting()
      tries?.nextRound()
      this.#attempt()
    }
    const pause = tries?.isRefused === true ? clock.after(tries.pauseMs(random.float()), nextRound) : undefined
    this.#waiting = new CallWait(waitedInVain(this.#lastFailure ?? failure), stopListening, pause)
  }

  #stopWaiting(): void {
    this.#waiting?.stop()
    this.#waiting = undefined
  }

  /** No further node is to be tried. */
  #giveUpTrying(failure: Failure): void {
    if (this.#mayWait(failure)) this.#wait(failure)
    else this.#finish(failure)
  }

  #mayWait(failure: Failure): boolean {
    return this.#options.wait === true && mayWaitAfter(failure)
  }

  #note({ node, region }: RegionTableNode, { code, outcome }: Failure): Tries {
    keepLast((this.#attempts ??= []), { node, region, code, outcome })
    this.#tries ??= new Tries()
    this.#tries.add()
    return this.#tries
  }

  /** The node may have the work, under our key: if the connection comes back to the same life, it will tell. */
  #awaitReturn(failure: Failure): void {
    const node = this.#node as RegionTableNode
    this.#leaveTarget()
    this.#events?.failed(failure)
    const tries = this.#note(node, failure)
    // Of several, the first is what is known: a later try that was not sent says nothing of it.
    const lost = this.#lost?.failure ?? failure
    if (tries.areSpent) {
      this.#finish(lost)
      return
    }
    const { platform, nodes } = this.#kernel
    const forMs = reconnectWaitMs(this.#options, node)
    this.#lost?.timer?.cancel()
    // No timer: the connection may be back before the shortest one.
    if (forMs === 0) {
      this.#finish(lost)
      return
    }
    nodes.add(this)
    // More than a timer can measure: the deadline comes first.
    const timer = forMs < timeoutMsMax ? platform.clock.after(forMs, () => this.#finish(lost)) : undefined
    this.#lost = { failure: lost, timer }
  }

  #failed(failure: Failure): void {
    if (!this.#open) return
    if (this.#lost !== undefined && failure.outcome === 'not-run') {
      this.#refusedAgain(this.#lost.failure, failure)
      return
    }
    const node = this.#node as RegionTableNode
    const tries = this.#note(node, failure)
    this.#lastFailure = failure
    this.#events?.failed(failure)
    this.#leaveTarget()
    if (failure.code === 'ERR_NOT_PRIMARY' && this.#goesOnAsPrimary(failure, node, tries)) return
    const mayGoOn = mayTryElsewhere(failure)
    const again = mayGoOn && !tries.areSpent
    sometimes(again, 'skerry/a call was tried at another node')
    tries.nodes.add(node.node)
    if (again) this.#attempt()
    else if (mayGoOn) this.#giveUpTrying(failure)
    else this.#finish(failure)
  }

  /** A call for the primary goes where that has moved to, as soon as the table says so. `false`: it is a refusal like any other. */
  #goesOnAsPrimary(refusal: Failure, { node, region }: RegionTableNode, tries: Tries): boolean {
    const known = this.#kernel.remote
    if (known === undefined || this.#plan.region !== 'primary') return false
    const next = afterNotPrimary(refusal, region, known)
    if (next === 'elsewhere' || !tries.move()) return false
    if (next === 'again') {
      this.#attempt()
      return true
    }
    reachable('skerry/a call waited for the news of a newer primary')
    ;(this.#options as StreamedOptions).stream?.waits(this)
    const failure = primaryNotKnown(refusal)
    const timer = this.#kernel.platform.clock.after(primaryNewsMs, () => {
      this.#stopWaiting()
      tries.nodes.add(node)
      this.#giveUpTrying(failure)
    })
    const stopListening = this.#plan.chooser.onTable(() => {
      if (!isNews(refusal, region, known)) return
      this.#stopWaiting()
      this.#attempt()
    })
    this.#waiting = new CallWait(failure, stopListening, timer)
    return true
  }

  /** That a second try was not run says nothing of the first. */
  #refusedAgain(lost: Failure, refusal: Failure): void {
    if (refusal.code === 'ERR_NODE_UNREACHABLE') {
      this.#awaitReturn(refusal)
      return
    }
    const node = this.#node as RegionTableNode
    this.#note(node, refusal)
    this.#finish(refusedAgain(lost, refusal))
  }

  #succeed(value: unknown, encoded: boolean, served: ServedTimes | undefined): void {
    if (!this.#open) return
    let opened: unknown
    try {
      opened = this.#kernel.open(value, encoded, true)
    } catch (error) {
      this.#failed(resultUndecodable(error))
      return
    }
    this.#close()
    this.#events?.succeeded(served)
    if (!this.#owner.alive) return
    this.#report('ok')
    this.#resolve(opened)
    this.#letGo()
  }

  /** Ends it from this side: the remote process is told, the caller gets the failure. */
  #giveUp(failure: Failure, reason: ExitReason): void {
    if (!this.#open) return
    const node = this.#node
    if (node !== undefined && this.#target !== undefined) {
      this.#cancelRemote(reason)
      this.#note(node, failure)
      this.#finish(failure)
    } else {
      // No node has it, unless the connection was lost to one that may.
      this.#finish(this.#lost === undefined ? atNoNode(failure) : failure)
    }
  }

  #finish(failure: Failure): void {
    this.#close()
    this.#events?.gaveUp(failure)
    if (!this.#owner.alive) return
    this.#report(failure.code)
    this.#reject(
      new RpcError(failure, {
        procedure: this.#plan.procedure.name,
        node: this.#node?.node,
        region: this.#node?.region ?? this.#plan.region,
        attempts: this.#attempts ?? [],
      }),
    )
    this.#letGo()
  }

  /** Of the promise, and so of the result: those whose deadlines began with this one's may keep it for a minute. */
  #letGo(): void {
    this.#resolve = ignore
    this.#reject = ignore
  }

  /** Tells whoever wants to know how it went; `'ok'` is an attempt of its own. */
  #report(code: string): void {
    const options = this.#options
    const { procedure } = this.#plan
    if (options.explain === undefined) return
    const { name, version } = procedure
    const attempts: Attempt[] = [...(this.#attempts ?? [])]
    const node = this.#node as RegionTableNode
    if (code === 'ok') keepLast(attempts, { node: node.node, region: node.region, code, outcome: 'ran' })
    tellReport(this.#kernel.platform.log, options, {
      procedure: { name, version },
      code,
      attempts,
      choices: this.#choices ?? [],
    })
  }

  #cancelRemote(reason: ExitReason): void {
    if (this.#open && this.#target !== undefined) {
      this.#kernel.routeSpawn({ type: 'cancel', from: this.pid, to: this.#target, reason })
    }
  }

  #close(): void {
    this.#open = false
    this.#leaveTarget()
    this.#stopWaiting()
    if (this.#lost !== undefined) {
      this.#lost.timer?.cancel()
      this.#kernel.nodes.remove(this)
    }
    this.#kernel.forget(this.pid)
    this.#kernel.deadlines.remove(this)
    this.#owner.detach(this)
    if (this.#onAbort !== undefined) this.#options.signal?.removeEventListener('abort', this.#onAbort)
  }

  #leaveTarget(): void {
    if (this.#target === undefined) return
    this.#kernel.removeLoneEdge(this.#edge, this)
    this.#edge = undefined
    this.#target = undefined
  }
}

const ignore = (): void => undefined

/** Those of the promise that was made last. */
const made: { resolve: (value: unknown) => void; reject: (reason: unknown) => void } = {
  resolve: ignore,
  reject: ignore,
}

function takeResolvers(resolve: (value: unknown) => void, reject: (reason: unknown) => void): void {
  made.resolve = resolve
  made.reject = reject
}

const none: ReadonlySet<NodeId> = new Set()

/** The last one that was made: calls mostly go to few nodes. */
let lastTarget: Pid = { node: '', life: 0, thread: 0, serial: 0 }

function pidOf({ node, life }: RegionTableNode): Pid {
  if (lastTarget.node !== node || lastTarget.life !== life) lastTarget = { node, life, thread: 0, serial: 0 }
  return lastTarget
}
