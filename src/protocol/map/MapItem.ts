/**
 * One item's way: into a job, through the client, and back as a value or a failure
 * that names the item.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Formatter from "effect/Formatter"
import * as Result from "effect/Result"
import type * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import { Client } from "../Client.ts"
import { time } from "../connection/Count.ts"
import { GearmanError } from "../GearmanError.ts"
import * as JobFunction from "../JobFunction.ts"
import { EvaluationKind, RemoteError } from "./MapEvaluator.ts"
import * as Outcome from "./Outcome.ts"
import * as Shipment from "./Shipment.ts"
import { CannotTravel, encode, type InvalidValue } from "./Value.ts"

/**
 * The Gearman function that shipped functions are submitted for, unless another name is
 * given to both sides.
 *
 * @example
 * ```ts
 * import * as DistributedMap from "effect-gearman/DistributedMap"
 *
 * console.log(`the workers of the map serve ${DistributedMap.defaultFunctionName}`)
 * ```
 *
 * @since 0.1.0
 * @category constants
 */
export const defaultFunctionName = "effect-gearman.map"

/**
 * An item failed. `kind` tells how: as an evaluation fails on the worker's side, or
 * `job`, when there is no answer of a worker; `cause` is then the client's error. For a
 * `JobFunction` with an error of its own, `kind` is `thrown` and `cause` that error.
 *
 * @example
 * ```ts
 * import * as DistributedMap from "effect-gearman/DistributedMap"
 * import * as Effect from "effect/Effect"
 *
 * const squares = DistributedMap.map([1, 2, 3], (n) => n * n).pipe(
 *   Effect.catchTag("ItemFailed", ({ index, kind }) => Effect.logError(`item ${index}: ${kind}`))
 * )
 * ```
 *
 * @since 0.1.0
 * @category errors
 */
export class ItemFailed extends Schema.TaggedError<ItemFailed>("effect-gearman/DistributedMap/ItemFailed")(
  "ItemFailed",
  {
    /** The item's position in the input, from 0. */
    index: Schema.Number,
    kind: Schema.Union([EvaluationKind, Schema.Literal("job")]),
    /** What was thrown, as it was on the worker's side. */
    error: RemoteError,
    cause: Schema.optional(Schema.Defect())
  }
) {
  override get message() {
    const hint =
      this.kind === "thrown" && this.error.name === "ReferenceError"
        ? ". A shipped function sees its arguments, its captures and JavaScript's own globals, nothing else"
        : ""
    return `item ${this.index} failed: ${this.error.name}: ${this.error.message}${hint}`
  }
}

/**
 * How shipped functions are submitted.
 *
 * @since 0.1.0
 * @category models
 */
export interface ShipOptions {
  /**
   * The values that the function refers to beside its arguments, by their names:
   * `map(items, (n) => n * factor, { captures: { factor } })`. They are shipped with
   * every item; what cannot travel is refused with `CannotTravel`.
   */
  readonly captures?: Readonly<Record<string, unknown>> | undefined
  /**
   * How long one item may run on its worker, where it begins once the function is called.
   * The worker's own limit holds too. Default: the worker's.
   */
  readonly timeLimit?: Duration.Input | undefined
  /** How long one item may take altogether, waiting and resubmissions included. Default: for ever. */
  readonly timeout?: Duration.Input | undefined
  /** Default: `"normal"`. */
  readonly priority?: JobFunction.Priority | undefined
  /** The Gearman function to submit for; the workers' `serve` has the same. Default: `effect-gearman.map`. */
  readonly functionName?: string | undefined
}

/**
 * Whether items may run twice.
 *
 * @since 0.1.0
 * @category models
 */
export type Repetition =
  | { readonly idempotent?: false | undefined; readonly retry?: undefined }
  | {
      /**
       * True when running an item twice does no more harm than running it once. Only then
       * are items resubmitted when their job server is lost, and are equal items, of the
       * same function with the same captures, merged into one job.
       */
      readonly idempotent: true
      /** When a failed item is submitted again; only this item runs again. Default: never. */
      readonly retry?: Schedule.Schedule<unknown, ItemFailed> | undefined
    }

/**
 * Runs one item. The success is what the function returned; only the caller's types know
 * what that is.
 *
 * @since 0.1.0
 * @category models
 */
export type RunItem<A, B> = (item: A, index: number) => Effect.Effect<B, ItemFailed | CannotTravel, Client>

const jobProblem = (index: number, cause: GearmanError | InvalidValue): ItemFailed => {
  const name = cause._tag === "GearmanError" ? cause.reason._tag : cause._tag
  return new ItemFailed({ index, kind: "job", error: { name, message: cause.message }, cause })
}

/** What a shipped function is made of; `source` is absent where `reduce` only combines. */
interface Functions {
  readonly mode: Shipment.Mode
  readonly source: AnyFunction | undefined
  readonly combine?: AnyFunction | undefined
}

type AnyFunction = (...values: ReadonlyArray<never>) => unknown

const textOf = (fn: AnyFunction | undefined, mode: Shipment.Mode) =>
  fn === undefined ? Result.succeed("") : Shipment.sourceOf(fn, mode)

/** 0 is none. */
const timeLimitOf = ({ timeLimit }: ShipOptions): number => {
  const millis = timeLimit === undefined ? Number.POSITIVE_INFINITY : Duration.toMillis(time("timeLimit", timeLimit))
  return Number.isFinite(millis) ? Math.ceil(millis) : 0
}

/**
 * Prepares a function for shipping: what is the same for all items is checked and
 * encoded here, once. `indexOf` gives the position in the input of what failed, from
 * the job's position and that within its batch.
 *
 * @since 0.1.0
 * @category constructors
 */
export const shipped = Effect.fnUntraced(function* <A, B>(
  functions: Functions,
  options: ShipOptions & Repetition,
  indexOf: (index: number, position: number) => number = (index) => index
): Effect.fn.Return<RunItem<A, B>, Shipment.CannotShip | CannotTravel> {
  const head = yield* Effect.fromResult(
    Shipment.encodeHead({
      mode: functions.mode,
      source: yield* Effect.fromResult(textOf(functions.source, functions.mode)),
      combine: yield* Effect.fromResult(textOf(functions.combine, functions.mode)),
      captures: options.captures ?? {},
      timeLimitMillis: timeLimitOf(options)
    })
  )
  const job = JobFunction.bytes(options.functionName ?? defaultFunctionName, {
    // The payload is source, captures and item, so equal payloads are equal work.
    unique: options.idempotent === true ? "payload" : "none",
    idempotent: options.idempotent,
    priority: options.priority,
    timeout: options.timeout
  })
  const attempt = Effect.fnUntraced(function* (workload: Uint8Array, index: number) {
    const client = yield* Client
    const bytes = yield* Effect.mapError(client.run(job, workload), (cause) => jobProblem(indexOf(index, 0), cause))
    const outcome = Outcome.decode(bytes)
    if (Result.isSuccess(outcome)) return outcome.success as B
    return yield* outcome.failure._tag === "EvaluationError"
      ? new ItemFailed({
          index: indexOf(index, outcome.failure.position),
          kind: outcome.failure.kind,
          error: outcome.failure.error
        })
      : jobProblem(indexOf(index, 0), outcome.failure)
  })
  const { retry } = options
  /** Where in the input a part of a job's item is. */
  const place = (path: string, index: number) =>
    functions.mode === "reduce"
      ? path.replace(/^\[(\d+)\]/, (_, position) => `items[${indexOf(index, Number(position))}]`)
      : `items[${index}]${path}`
  return (item, index) => {
    const encoded = encode(item, "")
    if (Result.isFailure(encoded)) {
      const { path, what } = encoded.failure
      return Effect.fail(new CannotTravel({ path: place(path, index), what }))
    }
    const once = attempt(Shipment.join(head, encoded.success), index)
    return retry === undefined ? once : Effect.retry(once, retry)
  }
})

/** Errors of a schema seldom have a message of their own; what they hold then tells more than nothing. */
const messageOf = (error: unknown): string =>
  error instanceof Error && error.message !== ""
    ? error.message
    : error instanceof Error
      ? Formatter.formatJson(error)
      : Formatter.format(error)

/**
 * Runs items by a function that the workers know by name.
 *
 * @since 0.1.0
 * @category constructors
 */
export const named =
  <A, B, E, P>(fn: JobFunction.JobFunction<string, A, B, E, P>): RunItem<A, B> =>
  (item, index) =>
    Effect.flatMap(Client, (client) =>
      Effect.mapError(client.run(fn, item), (cause) =>
        cause instanceof GearmanError
          ? jobProblem(index, cause)
          : new ItemFailed({ index, kind: "thrown", error: { name: fn.name, message: messageOf(cause) }, cause })
      )
    )
