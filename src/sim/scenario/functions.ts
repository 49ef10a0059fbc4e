/**
 * The functions that simulated workers serve, and what their results must be. A payload
 * says what is asked and how long the worker takes; a result says which payload it
 * answers and which execution made it, so that a mixed-up answer is seen as one.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Random from "effect/Random"
import * as Schema from "effect/Schema"
import { ItemFailed } from "../../protocol/DistributedMap.ts"
import { GearmanError } from "../../protocol/GearmanError.ts"
import { JobContext } from "../../protocol/JobContext.ts"
import * as JobFunction from "../../protocol/JobFunction.ts"
import * as Packet from "../../protocol/Packet.ts"
import { JobFail, type Worker } from "../../protocol/Worker.ts"
import type { Scope } from "effect/Scope"
import type { FunctionName } from "./Scenario.ts"

/** A failure that a worker describes. */
const Described = Schema.Struct({ _tag: Schema.tag("Described"), workload: Schema.String })

const text = { payload: Schema.String, success: Schema.String, codec: "utf8" } as const

/**
 * @since 0.1.0
 * @category constants
 */
export const functions = {
  merged: JobFunction.make("merged", { ...text, unique: (payload) => payload.split("@")[0]!, idempotent: true }),
  once: JobFunction.make("once", text),
  streamed: JobFunction.make("streamed", { ...text, unique: "payload", idempotent: true }),
  failing: JobFunction.make("failing", {
    payload: Schema.String,
    success: Schema.String,
    error: Described,
    codec: "json",
    unique: "payload",
    idempotent: true
  }),
  limited: JobFunction.make("limited", { ...text, idempotent: true }),
  mapped: JobFunction.make("mapped", { ...text, idempotent: true })
} satisfies { readonly [N in FunctionName]: unknown }

/**
 * The payload of a piece of work, and how long it takes.
 *
 * @since 0.1.0
 * @category conversions
 */
export const payloadOf = (item: number, takesMillis: number): string => `i${item}@${takesMillis}`

const takesOf = (payload: string): number => Number(payload.split("@")[1] ?? 0)

const itemOf = (payload: string): number => Number(payload.slice(1).split("@")[0])

/**
 * What every result of a payload begins with.
 *
 * @since 0.1.0
 * @category getters
 */
export const resultBegins = (fn: string, payload: string): string => `${fn}(${payload.split("@")[0]})`

/**
 * How `failing` fails on a payload, as its caller is told; undefined where it does not.
 *
 * @since 0.1.0
 * @category getters
 */
export const failureOf = (payload: string): "JobFailed" | "Described" | undefined =>
  (["JobFailed", "Described", undefined] as const)[itemOf(payload) % 3]

/** More than a job server copies, and more than fits into its first buffer. */
const largeBytes = 40_000

/**
 * The result of one execution. Some have a NUL in them, which separates fields elsewhere,
 * some are large, and where the network has room for them a few are so large that they are
 * passed on by reference.
 *
 * @since 0.1.0
 * @category getters
 */
export const resultOf = (fn: string, payload: string, execution: number, isRoomy: boolean): string => {
  const begins = `${resultBegins(fn, payload)} by ${execution}`
  if (execution % 4 !== 3) return begins
  const bytes = isRoomy && execution % 32 === 19 ? largeBytes : execution % 8 === 3 ? 5000 : 5
  return `${begins}\0${"-".repeat(bytes)}`
}

/**
 * Whether the largest results come through in no more than a few parts.
 *
 * @since 0.1.0
 * @category predicates
 */
export const isRoomy = (network: { readonly windowBytes: number }): boolean => network.windowBytes > largeBytes

/**
 * The payloads of a call's jobs: a map has one for each item.
 *
 * @since 0.1.0
 * @category getters
 */
export const payloadsIn = ({ kind, workload }: { readonly kind: string; readonly workload: string }) =>
  kind !== "map" ? [workload] : workload === "" ? [] : workload.split(",")

/**
 * What the jobs of a call carry on the wire.
 *
 * @since 0.1.0
 * @category getters
 */
export const wireWorkloadsOf = (call: {
  readonly kind: string
  readonly function: string
  readonly workload: string
}): ReadonlyArray<string> => {
  const payloads = payloadsIn(call)
  return call.function === "failing" ? payloads.map((payload) => JSON.stringify(payload)) : payloads
}

const tagOf = (error: unknown): string =>
  typeof error === "object" && error !== null && "_tag" in error ? String(error._tag) : String(error)

/**
 * Why something failed, in a word; of a map's item, which one it is and why that failed.
 *
 * @since 0.1.0
 * @category getters
 */
export const reasonOf = (error: unknown): string =>
  error instanceof GearmanError
    ? error.reason._tag
    : error instanceof ItemFailed
      ? `ItemFailed ${error.index} ${reasonOf(error.cause)}`
      : tagOf(error)

/**
 * How long each attempt of a function may take, in milliseconds; 0 is for ever.
 *
 * @since 0.1.0
 * @category getters
 */
export const limitOf = (fn: string): number => (fn === "limited" ? 1000 : 0)

/**
 * How an execution is told to the properties.
 *
 * @since 0.1.0
 * @category models
 */
export interface Executions {
  /** The network has room for large results. */
  readonly isRoomy: boolean
  readonly began: (job: JobContext["Service"], fn: string, payload: string) => number
  readonly finished: (execution: number, how: "success" | "failure" | "interrupted") => void
}

const isInterrupted = (exit: Exit.Exit<unknown, unknown>): boolean =>
  exit._tag === "Failure" && exit.cause.reasons.some((reason) => reason._tag === "Interrupt")

const handler = (name: FunctionName, executions: Executions) =>
  Effect.fnUntraced(function* (payload: string) {
    const job = yield* JobContext
    let execution = 0
    // Nothing may come between its beginning and whoever sees its end.
    const work = Effect.gen(function* () {
      execution = executions.began(job, name, payload)
      if (name === "streamed") {
        yield* job.data(Packet.toBytes(`data ${execution}`))
        yield* job.progress(execution, 1000)
      }
      // What has a time limit is slow only sometimes, or it would never get done.
      const isQuick = name === "limited" && (yield* Random.nextBoolean)
      const takes = isQuick ? 0 : takesOf(payload)
      yield* Effect.sleep(takes / 2)
      // The attempt after one that took too long must not be said to be as far.
      if (name === "limited") yield* job.progress(execution, 1000)
      yield* Effect.sleep(takes / 2)
      if (name === "streamed") yield* job.warning(Packet.toBytes(`warning ${execution}`))
      if (name === "failing" && failureOf(payload) === "JobFailed") return yield* new JobFail()
      if (name === "failing" && failureOf(payload) === "Described") {
        return yield* Effect.fail({ _tag: "Described" as const, workload: payload })
      }
      return resultOf(name, payload, execution, executions.isRoomy)
    })
    return yield* Effect.onExit(
      work,
      Effect.fnUntraced(function* (exit) {
        // Who is interrupted needs a moment to stop, and may have something to say even then.
        if (isInterrupted(exit)) yield* Effect.sleep(name === "limited" ? 100 : 5)
        const how = exit._tag === "Success" ? "success" : isInterrupted(exit) ? "interrupted" : "failure"
        if (execution > 0) executions.finished(execution, how)
        if (name === "limited" && isInterrupted(exit)) yield* job.data(Packet.toBytes(`late ${execution}`))
      })
    )
  })

/**
 * Serves a function until the scope closes.
 *
 * @since 0.1.0
 * @category running
 */
export const serve = (
  worker: Worker["Service"],
  name: FunctionName,
  executions: Executions,
  concurrency: number | undefined
): Effect.Effect<void, never, Scope> => {
  const run = handler(name, executions)
  const fn = functions[name] as JobFunction.JobFunction<string, string, string, typeof Described.Type>
  return worker.register(fn, run, { concurrency, timeout: limitOf(name) > 0 ? limitOf(name) : undefined })
}
