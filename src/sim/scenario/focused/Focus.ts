/**
 * What focused scenarios are made of.
 *
 * @since 0.1.0
 */
import type { WorldOptions } from "../../World.ts"
import type { Dice } from "../Dice.ts"
import type { Fault } from "../Fault.ts"
import type { RequestName } from "../peers.ts"
import type { Call, FunctionName, PeerPlan, Saying, Scenario } from "../Scenario.ts"

/**
 * What a focused scenario says itself; the rest is as for any other.
 *
 * @since 0.1.0
 * @category models
 */
export type Focus = (
  dice: Dice
) => Pick<Scenario, "servers" | "workers" | "clients"> &
  Partial<Pick<Scenario, "peers" | "operators" | "faults">> & { readonly network?: Partial<WorldOptions["network"]> }

/**
 * So many of them.
 *
 * @since 0.1.0
 * @category constructors
 */
export const list = <A>(count: number, make: (index: number) => A): ReadonlyArray<A> =>
  Array.from({ length: count }, (_, index) => make(index))

/**
 * A job server.
 *
 * @since 0.1.0
 * @category constructors
 */
export const server = (jobRetries = -1, workerWakeup = 0) => ({ jobRetries, workerWakeup })

/**
 * A worker that serves them all, all the time.
 *
 * @since 0.1.0
 * @category constructors
 */
export const worker = (functions: ReadonlyArray<FunctionName>, slots = 1) => ({ functions, slots, changesAt: 0 })

/**
 * A call, at once unless said otherwise.
 *
 * @since 0.1.0
 * @category constructors
 */
export const call = (of: Partial<Call>): Call => ({
  at: 0,
  kind: "run",
  function: "merged",
  item: 0,
  takesMillis: 0,
  priority: "normal",
  hedgeMillis: 0,
  interruptAfterMillis: 0,
  ...of
})

/**
 * Calls, by when they are made.
 *
 * @since 0.1.0
 * @category constructors
 */
export const callsOf = (count: number, make: (index: number) => Partial<Call>): ReadonlyArray<Call> =>
  list(count, (index) => call(make(index))).toSorted((one, other) => one.at - other.at)

/**
 * A fault, at once unless said otherwise.
 *
 * @since 0.1.0
 * @category constructors
 */
export const fault = (kind: Fault["kind"], node: string, of: Partial<Fault>): Fault => ({
  kind,
  at: 0,
  lastsMillis: 1,
  node,
  peer: "",
  amount: 1,
  ...of
})

/**
 * Something that a stranger says.
 *
 * @since 0.1.0
 * @category constructors
 */
export const saying = (at: number, packet: RequestName, ...fields: ReadonlyArray<string>): Saying => ({
  at,
  packet,
  fields
})

/**
 * A stranger who talks to the first server.
 *
 * @since 0.1.0
 * @category constructors
 */
export const peer = (sayings: ReadonlyArray<Saying>): PeerPlan => ({
  server: 1,
  sayings: sayings.toSorted((one, other) => one.at - other.at),
  lastWords: "",
  isDeaf: false
})
