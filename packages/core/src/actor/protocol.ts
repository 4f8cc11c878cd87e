/**
 * What can be asked of an actor: an interface with `call` and `cast` members, each an object of function types. It may
 * mention `Pid<Itself>` and other protocols. These types read it; nothing of it exists at run time.
 */
type Calls<Protocol> = Protocol extends { call: infer C } ? C : Record<never, never>
type Casts<Protocol> = Protocol extends { cast: infer C } ? C : Record<never, never>

type ArgsOf<F> = F extends (...args: infer Args) => unknown ? Args : never
type ReplyOf<F> = F extends (...args: never[]) => infer Reply ? Awaited<Reply> : never

export type CallName<Protocol> = keyof Calls<Protocol> & string
export type CallArgs<Protocol, Name extends CallName<Protocol>> = ArgsOf<Calls<Protocol>[Name]>
export type CallReply<Protocol, Name extends CallName<Protocol>> = ReplyOf<Calls<Protocol>[Name]>
export type CastName<Protocol> = keyof Casts<Protocol> & string
export type CastArgs<Protocol, Name extends CastName<Protocol>> = ArgsOf<Casts<Protocol>[Name]>

/** What an actor must have to bear a name of a protocol: at least its calls, with its answers, and its casts. */
export type Bearing<Named> = (Named extends { call: object }
  ? { call: { [Name in CallName<Named>]: (...args: CallArgs<Named, Name>) => CallReply<Named, Name> } }
  : unknown) &
  (Named extends { cast: object }
    ? { cast: { [Name in CastName<Named>]: (...args: CastArgs<Named, Name>) => void } }
    : unknown)

/** The plain messages an actor takes: any, unless its protocol has an `info` member. */
export type MessageOf<Protocol> = Protocol extends { info: infer Info } ? Info : unknown
