import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { ActorCallEvent, RpcAttemptEvent, RpcCallEvent, RpcRefuseEvent, RpcServeEvent } from './telemetry.ts'

/** The channels that adapters listen to, with what goes through them. */
export interface ChannelEvents {
  'tracing:skerry:rpc.call:start': RpcCallEvent
  'tracing:skerry:rpc.call:asyncEnd': RpcCallEvent
  'skerry:rpc.attempt': RpcAttemptEvent
  'tracing:skerry:rpc.serve:start': RpcServeEvent
  'tracing:skerry:rpc.serve:asyncEnd': RpcServeEvent
  'skerry:rpc.refuse': RpcRefuseEvent
  'tracing:skerry:actor.call:start': ActorCallEvent
  'tracing:skerry:actor.call:asyncEnd': ActorCallEvent
}

/** Listens to one of core's channels on this thread. Returns what ends it. */
export function listen<Name extends keyof ChannelEvents>(
  name: Name,
  act: (event: ChannelEvents[Name]) => void,
): () => void {
  const on = (event: unknown): void => act(event as ChannelEvents[Name])
  subscribe(name, on)
  return () => {
    unsubscribe(name, on)
  }
}
