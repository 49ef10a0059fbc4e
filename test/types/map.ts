/**
 * What the compiler infers for those who use the distributed map. `npm run types` checks it.
 */
import { describe, expectTypeOf, it } from "vitest"
import type * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import type * as Result from "effect/Result"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import type * as Client from "../../src/protocol/Client.ts"
import * as DistributedMap from "../../src/protocol/DistributedMap.ts"
import * as JobFunction from "../../src/protocol/JobFunction.ts"

type Refused = DistributedMap.CannotShip | DistributedMap.CannotTravel
type Failed = Refused | DistributedMap.ItemFailed
type Item<A> = Result.Result<A, DistributedMap.ItemFailed | DistributedMap.CannotTravel>

const size = JobFunction.make("size", {
  payload: Schema.String,
  success: Schema.Number,
  error: Schema.String,
  progress: Schema.Int
})

describe("types of the distributed map", () => {
  it("items and results of a function, whether it waits or not", () => {
    expectTypeOf(DistributedMap.map([1, 2], (n) => String(n))).toEqualTypeOf<
      Effect.Effect<Array<string>, Failed, Client.Client>
    >()
    expectTypeOf(DistributedMap.map(["a"], async (text, { worker }) => [text, worker] as const)).toEqualTypeOf<
      Effect.Effect<Array<readonly [string, string]>, Failed, Client.Client>
    >()
    expectTypeOf(DistributedMap.flatMap([1], (n) => [n, n])).toEqualTypeOf<
      Effect.Effect<Array<number>, Failed, Client.Client>
    >()
    expectTypeOf(
      DistributedMap.flatMap([1], async function* (n) {
        yield String(n)
      })
    ).toEqualTypeOf<Effect.Effect<Array<string>, Failed, Client.Client>>()
  })

  it("a job function's payload and success", () => {
    expectTypeOf(DistributedMap.map(["a"], size)).toEqualTypeOf<Effect.Effect<Array<number>, Failed, Client.Client>>()
    // @ts-expect-error: the items must be what the function takes
    const wrong = DistributedMap.map([1], size)
    // @ts-expect-error: what is known by name captures nothing
    const captures = DistributedMap.map(["a"], size, { captures: { n: 1 } })
    expectTypeOf([wrong, captures]).toBeArray()
  })

  it("collected failures are in the results and no longer errors of the map", () => {
    expectTypeOf(DistributedMap.map([1], (n) => n, { onFailure: "collect" })).toEqualTypeOf<
      Effect.Effect<Array<Item<number>>, Refused, Client.Client>
    >()
    expectTypeOf(DistributedMap.flatMap([1], (n) => [n], { onFailure: "collect" })).toEqualTypeOf<
      Effect.Effect<Array<Item<Array<number>>>, Refused, Client.Client>
    >()
  })

  it("streams keep their own errors", () => {
    const items = Stream.fail("broken" as const) as Stream.Stream<number, "broken">
    expectTypeOf(DistributedMap.mapStream(items, (n) => String(n))).toEqualTypeOf<
      Stream.Stream<string, Failed | "broken", Client.Client>
    >()
    expectTypeOf(DistributedMap.flatMapStream(items, (n) => [n], { onFailure: "collect" })).toEqualTypeOf<
      Stream.Stream<Item<Array<number>>, Refused | "broken", Client.Client>
    >()
  })

  it("reduce combines what the function returns", () => {
    const combine = (left: string, right: string) => left + right
    expectTypeOf(DistributedMap.reduce([1], (n) => String(n), combine)).toEqualTypeOf<
      Effect.Effect<Option.Option<string>, Failed, Client.Client>
    >()
  })

  it("only what may run twice is retried", () => {
    const retry = Schedule.recurs(3)
    const allowed = DistributedMap.map([1], (n) => n, { idempotent: true, retry })
    // @ts-expect-error: retry needs idempotent
    const refused = DistributedMap.map([1], (n) => n, { retry })
    expectTypeOf([allowed, refused]).toBeArray()
  })
})
