/**
 * Maps as callers ask for them: whole lists or streams, failures that end them or are kept
 * in their places, results in order or as they come.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import type { Client } from "../../protocol/Client.ts"
import * as DistributedMap from "../../protocol/DistributedMap.ts"
import type { JobFunction } from "../../protocol/JobFunction.ts"
import type { Event } from "../properties/History.ts"
import type { Dice } from "./Dice.ts"
import { functions, payloadOf, reasonOf } from "./functions.ts"
import type { Call } from "./Scenario.ts"

/**
 * How many items a map has where it does not say so; each is a job.
 *
 * @since 0.1.0
 * @category constants
 */
export const mapItems = 4

/** How many items of a map are under way at once, where it does not say so. */
const mapWindow = 2

/**
 * What a map runs on, one payload for each job.
 *
 * @since 0.1.0
 * @category getters
 */
export const payloadsOf = ({ item, items, takesMillis }: Call): ReadonlyArray<string> =>
  (items ?? Array.from({ length: mapItems }, (_, index) => item + index)).map((each) => payloadOf(each, takesMillis))

/**
 * How a map is asked for, as the properties are told.
 *
 * @since 0.1.0
 * @category getters
 */
export const mapOf = ({ collects, item, order, window }: Call): Extract<Event, { readonly _tag: "Asked" }>["map"] => ({
  window: window ?? mapWindow,
  collects: collects === true,
  order,
  isReadSlowly: order !== undefined && item % 2 === 1
})

/** What stands in an item's place, as a text. */
const placeOf = (result: unknown): string =>
  Result.isResult(result)
    ? Result.isSuccess(result)
      ? String(result.success)
      : reasonOf(result.failure)
    : String(result)

/**
 * Maps, and tells what it gets before the end. Half of the streams are read slowly.
 *
 * @since 0.1.0
 * @category programs
 */
export const mapped = (
  call: Call,
  tell: (kind: "progress" | "result", text: string) => void
): Effect.Effect<string, unknown, Client> => {
  const fn = functions[call.function] as JobFunction<string, string, string, { readonly workload: string }>
  const payloads = payloadsOf(call)
  const { collects, isReadSlowly, order, window } = mapOf(call)!
  const options = {
    window,
    onFailure: collects ? "collect" : "fail",
    onProgress: ({ done, failed, total }: DistributedMap.MapProgress) => {
      tell("progress", `${done} ${failed} ${total ?? "?"}`)
      return Effect.void
    }
  } as const
  const results =
    order === undefined
      ? DistributedMap.map(payloads, fn, options)
      : DistributedMap.mapStream(Stream.fromIterable(payloads), fn, { ...options, order }).pipe(
          Stream.tap((result) => {
            tell("result", placeOf(result))
            return isReadSlowly ? Effect.sleep(call.takesMillis) : Effect.void
          }),
          Stream.runCollect
        )
  return Effect.map(results, (places: ReadonlyArray<unknown>) => places.map(placeOf).join(","))
}

/**
 * Makes a call a map of its own kind: few items or none, some of them equal, some failing.
 *
 * @since 0.1.0
 * @category constructors
 */
export const asMap = (dice: Dice, call: Call, itemsMax = mapItems + 2): Call => ({
  ...call,
  kind: "map",
  items: Array.from({ length: dice.below(itemsMax + 1) }, () => call.item + dice.below(6)),
  window: dice.of([1, 2, 2, 3, 10]),
  collects: dice.oneIn(2) ? true : undefined,
  order: dice.of([undefined, undefined, "input", "completion"] as const)
})
