/**
 * A map over many machines: a function is shipped to whatever workers there are, one
 * item per job, and the results come back in the order of the items.
 *
 * What is shipped is the function's source text, so it sees its arguments, the values
 * given as `captures` and JavaScript's own globals, and nothing else of the program that
 * wrote it. The workers run it in a sandbox (`effect-gearman map-worker`, or `serve`
 * over `MapSandbox` of `effect-gearman/node`). Where workers must not run code that
 * clients send, give `map` a `JobFunction` in place of the function: then only its items
 * travel, and any worker that serves its name runs them.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { Client } from "./Client.ts"
import { count } from "./connection/Count.ts"
import type * as JobFunction from "./JobFunction.ts"
import { named, type Repetition, type RunItem, shipped, type ShipOptions } from "./map/MapItem.ts"
import type {
  FlatMapFunction,
  FlatOutput,
  MapError,
  MapFunction,
  MapOptions,
  OnFailure,
  Output,
  StreamOptions
} from "./map/MapOptions.ts"
import * as Reduce from "./map/Reduce.ts"
import type * as Shipment from "./map/Shipment.ts"

export type { MapContext } from "./map/Evaluation.ts"
export { EvaluationError, EvaluationKind, layerUnsafe, MapEvaluator, RemoteError } from "./map/MapEvaluator.ts"
export { defaultFunctionName, ItemFailed, type Repetition, type ShipOptions } from "./map/MapItem.ts"
export type {
  FlatMapFunction,
  FlatOutput,
  MapError,
  MapFunction,
  MapOptions,
  MapProgress,
  OnFailure,
  Output,
  StreamOptions
} from "./map/MapOptions.ts"
export { type CombineFunction, type ReduceOptions } from "./map/Reduce.ts"
export { serve } from "./map/MapWorker.ts"
export { CannotShip, type Mode, type Shipment } from "./map/Shipment.ts"
export { CannotTravel, decode, encode, InvalidValue } from "./map/Value.ts"

type Shipped<Options> = Options & ShipOptions & Repetition
type AnyJobFunction<A> = JobFunction.JobFunction<string, A, unknown, unknown, unknown>

/** A function to ship, or a `JobFunction`: the overloads say which types go together. */
type Given = object

const defaultWindow = 100

const windowOf = (options: MapOptions<OnFailure>): number => count("window", options.window ?? defaultWindow)

const prepare = <A>(mode: Shipment.Mode, fn: Given, options: ShipOptions & Repetition) =>
  typeof fn === "function"
    ? shipped<A, unknown>({ mode, source: fn as MapFunction<A, unknown> }, options)
    : Effect.sync((): RunItem<A, unknown> => named(jobFunctionOf<A>(fn)))

/** Programs without types give anything. */
const jobFunctionOf = <A>(fn: unknown): AnyJobFunction<A> => {
  if (typeof fn === "object" && fn !== null && "payload" in fn) return fn as AnyJobFunction<A>
  throw new TypeError(`a map takes a function to ship, or a JobFunction; this is ${String(fn)}`)
}

/** Adds what the options say about progress and failures. */
const followed = <A>(
  run: RunItem<A, unknown>,
  options: MapOptions<OnFailure>,
  total: number | undefined
): RunItem<A, unknown> => {
  const { onFailure, onProgress } = options
  let done = 0
  let failed = 0
  const ended = (failures: number) =>
    Effect.suspend(() => {
      done++
      failed += failures
      return onProgress?.({ done, failed, total }) ?? Effect.void
    })
  return (item, index) => {
    const counted = run(item, index).pipe(
      Effect.tap(() => ended(0)),
      Effect.tapError(() => ended(1))
    )
    return onFailure === "collect" ? Effect.result(counted) : counted
  }
}

const countOf = (items: Iterable<unknown>): number | undefined =>
  Array.isArray(items) ? items.length : items instanceof Set || items instanceof Map ? items.size : undefined

const overItems = <A>(
  mode: Shipment.Mode,
  items: Iterable<A>,
  fn: Given,
  options: Shipped<MapOptions<OnFailure>> = {}
) =>
  Effect.flatMap(prepare(mode, fn, options), (run) =>
    Effect.forEach(items, followed(run, options, countOf(items)), { concurrency: windowOf(options) })
  )

const overStream = <A, E, R>(
  mode: Shipment.Mode,
  items: Stream.Stream<A, E, R>,
  fn: Given,
  options: Shipped<StreamOptions<OnFailure>> = {}
) =>
  Stream.unwrap(
    Effect.map(prepare(mode, fn, options), (run) =>
      Stream.mapEffect(items, followed(run, options, undefined), {
        concurrency: windowOf(options),
        unordered: options.order === "completion"
      })
    )
  )

/**
 * Runs the function on each item, on whatever workers there are, and gives the results
 * in the order of the items.
 *
 * With a shipped function the failures are `CannotShip` (the function has no source
 * text that could travel), `CannotTravel` (a capture or item cannot; its path is named)
 * and `ItemFailed` (with the item's index). With a `JobFunction`, which must have been
 * served by workers under its name, only its payloads travel, and what it says about
 * repetition, time and retries holds.
 *
 * An encoded item with its function has to fit in one packet (see the job server's limit).
 *
 * @example
 * ```ts
 * import * as DistributedMap from "effect-gearman/DistributedMap"
 *
 * const factor = 3
 * const program = DistributedMap.map([1, 2, 3], (n) => n * factor, {
 *   captures: { factor },
 *   idempotent: true,
 *   timeLimit: "5 seconds"
 * })
 * ```
 *
 * @since 0.1.0
 * @category combinators
 */
export function map<A, B, const Mode extends OnFailure = "fail">(
  items: Iterable<A>,
  fn: MapFunction<A, B>,
  options?: Shipped<MapOptions<Mode>>
): Effect.Effect<Array<Output<B, Mode>>, MapError<Mode>, Client>
export function map<A, B, E, P, const Mode extends OnFailure = "fail">(
  items: Iterable<A>,
  fn: JobFunction.JobFunction<string, A, B, E, P>,
  options?: MapOptions<Mode>
): Effect.Effect<Array<Output<B, Mode>>, MapError<Mode>, Client>
export function map(items: Iterable<unknown>, fn: Given, options?: Shipped<MapOptions<OnFailure>>) {
  return overItems("map", items, fn, options)
}

/**
 * Like `map`, for functions that give several values per item, or none; the values of
 * all items follow each other in the order of the items. With `onFailure: "collect"`
 * each item has its own place, with an array of values or the failure.
 *
 * @example
 * ```ts
 * import * as DistributedMap from "effect-gearman/DistributedMap"
 *
 * const words = DistributedMap.flatMap(["to be", "or not"], (line) => line.split(" "))
 * ```
 *
 * @since 0.1.0
 * @category combinators
 */
export function flatMap<A, B, const Mode extends OnFailure = "fail">(
  items: Iterable<A>,
  fn: FlatMapFunction<A, B>,
  options?: Shipped<MapOptions<Mode>>
): Effect.Effect<Array<FlatOutput<B, Mode>>, MapError<Mode>, Client>
export function flatMap<A, B, E, P, const Mode extends OnFailure = "fail">(
  items: Iterable<A>,
  fn: JobFunction.JobFunction<string, A, ReadonlyArray<B>, E, P>,
  options?: MapOptions<Mode>
): Effect.Effect<Array<FlatOutput<B, Mode>>, MapError<Mode>, Client>
export function flatMap(items: Iterable<unknown>, fn: Given, options?: Shipped<MapOptions<OnFailure>>) {
  const results = overItems("flatMap", items, fn, options)
  return options?.onFailure === "collect" ? results : Effect.map(results, (values) => values.flat())
}

/**
 * `map` over a stream that need not end: at most `window` items are under way or wait
 * to be read, and only then is the next one taken.
 *
 * @example
 * ```ts
 * import * as DistributedMap from "effect-gearman/DistributedMap"
 * import * as Stream from "effect/Stream"
 *
 * const squares = Stream.range(1, 1_000_000).pipe((numbers) =>
 *   DistributedMap.mapStream(numbers, (n) => n * n, { order: "completion", window: 500 })
 * )
 * ```
 *
 * @since 0.1.0
 * @category combinators
 */
export function mapStream<A, E0, R, B, const Mode extends OnFailure = "fail">(
  items: Stream.Stream<A, E0, R>,
  fn: MapFunction<A, B>,
  options?: Shipped<StreamOptions<Mode>>
): Stream.Stream<Output<B, Mode>, E0 | MapError<Mode>, R | Client>
export function mapStream<A, E0, R, B, E, P, const Mode extends OnFailure = "fail">(
  items: Stream.Stream<A, E0, R>,
  fn: JobFunction.JobFunction<string, A, B, E, P>,
  options?: StreamOptions<Mode>
): Stream.Stream<Output<B, Mode>, E0 | MapError<Mode>, R | Client>
export function mapStream<E0, R>(
  items: Stream.Stream<unknown, E0, R>,
  fn: Given,
  options?: Shipped<StreamOptions<OnFailure>>
) {
  return overStream("map", items, fn, options)
}

/**
 * `flatMap` over a stream that need not end, within a window as `mapStream` keeps it.
 *
 * @example
 * ```ts
 * import * as DistributedMap from "effect-gearman/DistributedMap"
 * import * as Stream from "effect/Stream"
 *
 * const words = DistributedMap.flatMapStream(Stream.make("to be", "or not"), (line) => line.split(" "))
 * ```
 *
 * @since 0.1.0
 * @category combinators
 */
export function flatMapStream<A, E0, R, B, const Mode extends OnFailure = "fail">(
  items: Stream.Stream<A, E0, R>,
  fn: FlatMapFunction<A, B>,
  options?: Shipped<StreamOptions<Mode>>
): Stream.Stream<FlatOutput<B, Mode>, E0 | MapError<Mode>, R | Client>
export function flatMapStream<A, E0, R, B, E, P, const Mode extends OnFailure = "fail">(
  items: Stream.Stream<A, E0, R>,
  fn: JobFunction.JobFunction<string, A, ReadonlyArray<B>, E, P>,
  options?: StreamOptions<Mode>
): Stream.Stream<FlatOutput<B, Mode>, E0 | MapError<Mode>, R | Client>
export function flatMapStream<E0, R>(
  items: Stream.Stream<unknown, E0, R>,
  fn: Given,
  options?: Shipped<StreamOptions<OnFailure>>
): Stream.Stream<unknown, E0 | MapError<OnFailure>, R | Client> {
  const results = overStream("flatMap", items, fn, options)
  return options?.onFailure === "collect"
    ? results
    : Stream.flattenIterable(results as Stream.Stream<ReadonlyArray<unknown>, E0 | MapError<OnFailure>, R | Client>)
}

/**
 * Maps and combines on the workers' side: each job applies `fn` to a batch of items and
 * combines the results, and the batches' results are combined by further jobs, until
 * one is left. What travels back are the combined values only. There is none when there
 * are no items.
 *
 * Items keep their order, so `combine` has to be associative, and need not be commutative.
 *
 * @example
 * ```ts
 * import * as DistributedMap from "effect-gearman/DistributedMap"
 *
 * const letters = DistributedMap.reduce(
 *   ["to be", "or not", "to be"],
 *   (line) => line.length,
 *   (left, right) => left + right,
 *   { batch: 1000 }
 * )
 * ```
 *
 * @since 0.1.0
 * @category combinators
 */
export const reduce = <A, B>(
  items: Iterable<A>,
  fn: MapFunction<A, B>,
  combine: Reduce.CombineFunction<B>,
  options?: Reduce.ReduceOptions
): Effect.Effect<Option.Option<B>, MapError<"fail">, Client> =>
  Reduce.reduceStream(Stream.fromIterable(items), fn, combine, options)

/**
 * `reduce` over a stream: only the batches' results are kept here.
 *
 * @example
 * ```ts
 * import * as DistributedMap from "effect-gearman/DistributedMap"
 * import * as Stream from "effect/Stream"
 *
 * const total = DistributedMap.reduceStream(
 *   Stream.range(1, 1_000_000),
 *   (n) => n * n,
 *   (left, right) => left + right,
 *   { batch: 1000 }
 * )
 * ```
 *
 * @since 0.1.0
 * @category combinators
 */
export const reduceStream: <A, E, R, B>(
  items: Stream.Stream<A, E, R>,
  fn: MapFunction<A, B>,
  combine: Reduce.CombineFunction<B>,
  options?: Reduce.ReduceOptions
) => Effect.Effect<Option.Option<B>, E | MapError<"fail">, R | Client> = Reduce.reduceStream
