/**
 * What is given to a distributed map and what comes out of it, as types.
 *
 * @since 0.1.0
 */
import type * as Effect from "effect/Effect"
import type * as Result from "effect/Result"
import type { MapContext } from "./Evaluation.ts"
import type { ItemFailed } from "./MapItem.ts"
import type { CannotShip } from "./Shipment.ts"
import type { CannotTravel } from "./Value.ts"

/**
 * A function that is shipped: an arrow, a function expression or a method, synchronous
 * or not. It must not use `this` or anything around it but its captures.
 *
 * @since 0.1.0
 * @category models
 */
export type MapFunction<in A, out B> = (item: A, context: MapContext) => B | PromiseLike<B>

/**
 * A function that is shipped and gives several values, or none: it returns an iterable,
 * or is a generator, synchronous or not.
 *
 * @since 0.1.0
 * @category models
 */
export type FlatMapFunction<in A, out B> = (
  item: A,
  context: MapContext
) => Iterable<B> | AsyncIterable<B> | PromiseLike<Iterable<B> | AsyncIterable<B>>

/**
 * What the first failure does: `fail` ends the map and lets go of the other items;
 * `collect` puts the failure in the item's place and goes on.
 *
 * @since 0.1.0
 * @category models
 */
export type OnFailure = "fail" | "collect"

/**
 * How far a map is.
 *
 * @since 0.1.0
 * @category models
 */
export interface MapProgress {
  /** Items that have ended, failed ones included. */
  readonly done: number
  readonly failed: number
  /** How many items there are, where that is known. */
  readonly total: number | undefined
}

/**
 * How a map is run.
 *
 * @since 0.1.0
 * @category models
 */
export interface MapOptions<Mode extends OnFailure> {
  /**
   * How many items are under way at once, at least 1; of a stream, finished ones that
   * wait for their turn or to be read count too. It wants to be a few times the number
   * of jobs that all workers run at once. Default: 100.
   */
  readonly window?: number | undefined
  /** Default: `fail`. */
  readonly onFailure?: Mode | undefined
  /** Runs after each item that ended. */
  readonly onProgress?: ((progress: MapProgress) => Effect.Effect<void>) | undefined
}

/**
 * How a map over a stream is run.
 *
 * @since 0.1.0
 * @category models
 */
export interface StreamOptions<Mode extends OnFailure> extends MapOptions<Mode> {
  /** The order of the results: that of the input, or as they come. Default: `input`. */
  readonly order?: "input" | "completion" | undefined
}

/**
 * What stands for an item among the results.
 *
 * @since 0.1.0
 * @category models
 */
export type Output<B, Mode extends OnFailure> = Mode extends "collect" ? Result.Result<B, ItemFailed | CannotTravel> : B

/**
 * What a map itself can fail with: `CannotShip` and `CannotTravel` before anything is
 * submitted, and an item's failure unless they are collected.
 *
 * @since 0.1.0
 * @category models
 */
export type MapError<Mode extends OnFailure> = CannotShip | CannotTravel | (Mode extends "collect" ? never : ItemFailed)

/**
 * What `flatMap` gives: values, or with `collect` an array of values for each item.
 *
 * @since 0.1.0
 * @category models
 */
export type FlatOutput<B, Mode extends OnFailure> = Mode extends "collect" ? Output<Array<B>, Mode> : B
