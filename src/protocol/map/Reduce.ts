/**
 * The distributed reduce: a tree of jobs, each of which combines a batch.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { Client } from "../Client.ts"
import { count } from "../connection/Count.ts"
import type { MapContext } from "./Evaluation.ts"
import { type Repetition, shipped, type ShipOptions } from "./MapItem.ts"
import type { MapError, MapFunction } from "./MapOptions.ts"

/**
 * Combines the results of neighbouring items to one. It is shipped as a map's function is.
 *
 * @since 0.1.0
 * @category models
 */
export type CombineFunction<in out B> = (left: B, right: B, context: MapContext) => B | PromiseLike<B>

/**
 * How a reduce is run. Time limits hold for a job, which is a batch.
 *
 * @since 0.1.0
 * @category models
 */
export type ReduceOptions = ShipOptions &
  Repetition & {
    /** How many items, or results of batches, one job combines, at least 2. Default: 100. */
    readonly batch?: number | undefined
    /** How many jobs are under way at once, at least 1. Default: 100. */
    readonly window?: number | undefined
  }

const defaultBatch = 100
const defaultWindow = 100

/** See `DistributedMap.reduceStream`. */
export const reduceStream = Effect.fnUntraced(function* <A, E, R, B>(
  items: Stream.Stream<A, E, R>,
  fn: MapFunction<A, B>,
  combine: CombineFunction<B>,
  options: ReduceOptions = {}
): Effect.fn.Return<Option.Option<B>, E | MapError<"fail">, R | Client> {
  const batch = count("batch", options.batch ?? defaultBatch, 2)
  const concurrency = count("window", options.window ?? defaultWindow)
  const first = yield* shipped<ReadonlyArray<A>, B>(
    { mode: "reduce", source: fn, combine },
    options,
    (index, position) => index * batch + position
  )
  let results = yield* items.pipe(Stream.grouped(batch), Stream.mapEffect(first, { concurrency }), Stream.runCollect)
  for (let itemsEach = batch; results.length > 1; itemsEach *= batch) {
    const next = yield* shipped<ReadonlyArray<B>, B>(
      { mode: "reduce", source: undefined, combine },
      options,
      (index, position) => (index * batch + position) * itemsEach
    )
    results = yield* Stream.fromArray(results).pipe(
      Stream.grouped(batch),
      Stream.mapEffect(next, { concurrency }),
      Stream.runCollect
    )
  }
  return results.length === 0 ? Option.none() : Option.some(results[0] as B)
})
