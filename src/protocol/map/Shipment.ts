/**
 * What travels to a worker for one item: the function's source text, the values it
 * captures, and the item. The head is the same for every item of a map and is encoded
 * once; the item's bytes follow it.
 *
 * @since 0.1.0
 */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { type CannotTravel, encode, InvalidValue } from "./Value.ts"
import { ValueReader } from "./ValueReader.ts"

/**
 * What is done with the item: `map` gives the function's result; `flatMap` all values
 * of the iterable that the function returns; `reduce` takes an array of items, applies
 * the function to each and combines the results, in order, to one.
 *
 * @since 0.1.0
 * @category models
 */
export type Mode = "map" | "flatMap" | "reduce"

/**
 * One item's work.
 *
 * @since 0.1.0
 * @category models
 */
export interface Shipment extends Head {
  /** The item, encoded as a value. */
  readonly item: Uint8Array
}

/**
 * What all items of a map have in common.
 *
 * @since 0.1.0
 * @category models
 */
export interface Head {
  readonly mode: Mode
  /** The function's source text; empty where `reduce` combines what it is given. */
  readonly source: string
  /** The source text of the function that combines two results; empty but for `reduce`. */
  readonly combine: string
  /** An object with the values that the functions' source refers to, encoded. */
  readonly captures: Uint8Array
  /** How long the item may take; 0 leaves it to the worker. */
  readonly timeLimitMillis: number
}

/**
 * A function that cannot be shipped as source text. Nothing was sent.
 *
 * @example
 * ```ts
 * import * as DistributedMap from "effect-gearman/DistributedMap"
 * import * as Effect from "effect/Effect"
 *
 * const squares = DistributedMap.map([1, 2, 3], (n) => n * n).pipe(
 *   Effect.catchTag("CannotShip", ({ message }) => Effect.logError(message))
 * )
 * ```
 *
 * @since 0.1.0
 * @category errors
 */
export class CannotShip extends Schema.TaggedError<CannotShip>("effect-gearman/DistributedMap/CannotShip")(
  "CannotShip",
  { function: Schema.String, problem: Schema.String }
) {
  override get message() {
    return `the function ${this.function || "without a name"} cannot be shipped: ${this.problem}`
  }
}

const formatVersion = 1
const modes: ReadonlyArray<unknown> = ["map", "flatMap", "reduce"] satisfies ReadonlyArray<Mode>
const identifier = /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u

/**
 * The text that a function is shipped as. Arrows, function expressions, methods and
 * their async kinds can be shipped; generator functions only where several values are
 * expected.
 *
 * @since 0.1.0
 * @category conversions
 */
export const sourceOf = (fn: Function, mode: Mode): Result.Result<string, CannotShip> => {
  const source = Function.prototype.toString.call(fn)
  const refuse = (problem: string) => Result.fail(new CannotShip({ function: fn.name, problem }))
  if (/\{\s*\[native code\]\s*\}$/.test(source)) {
    return refuse(
      "it is native or bound and has no source text; wrap it: (item) => f(item), with what f needs in `captures`"
    )
  }
  if (/^class\b/.test(source)) return refuse("it is a class; ship a function that makes what you want of it")
  const kind = Object.prototype.toString.call(fn)
  if (mode !== "flatMap" && kind.endsWith("GeneratorFunction]")) {
    return refuse("it is a generator function, which gives several values; use flatMap")
  }
  return Result.succeed(source)
}

/**
 * Encodes what all items have in common. A capture's name must be an identifier.
 *
 * @since 0.1.0
 * @category conversions
 */
export const encodeHead = (head: {
  readonly mode: Mode
  readonly source: string
  readonly combine: string
  readonly captures: Readonly<Record<string, unknown>>
  readonly timeLimitMillis: number
}): Result.Result<Uint8Array, CannotTravel | CannotShip> => {
  const unnameable = Object.keys(head.captures).find((name) => !identifier.test(name))
  if (unnameable !== undefined) {
    return Result.fail(
      new CannotShip({ function: "", problem: `the capture ${JSON.stringify(unnameable)} is no identifier` })
    )
  }
  return Result.flatMap(encode(head.captures, "captures"), (captures) =>
    encode([formatVersion, head.mode, head.timeLimitMillis, head.source, head.combine, captures], "function")
  )
}

/**
 * A job's workload.
 *
 * @since 0.1.0
 * @category conversions
 */
export const join = (head: Uint8Array, item: Uint8Array): Uint8Array => {
  const workload = new Uint8Array(head.length + item.length)
  workload.set(head)
  workload.set(item, head.length)
  return workload
}

/**
 * Reads a job's workload. The item and captures stay encoded: whoever runs the function
 * decodes them where it runs.
 *
 * @since 0.1.0
 * @category conversions
 */
export const decode = (workload: Uint8Array): Result.Result<Shipment, InvalidValue> =>
  Result.flatMap(
    Result.try({
      try: () => {
        const reader = new ValueReader(workload)
        return { head: reader.read(), problem: reader.problem, item: reader.rest() }
      },
      catch: (cause) => new InvalidValue({ problem: String(cause) })
    }),
    ({ head, item, problem }) => {
      if (problem !== undefined) return Result.fail(new InvalidValue({ problem }))
      if (!Array.isArray(head) || head[0] !== formatVersion) {
        return Result.fail(new InvalidValue({ problem: "it is no shipped function, or of another version" }))
      }
      const [, mode, timeLimitMillis, source, combine, captures] = head as ReadonlyArray<unknown>
      return modes.includes(mode) &&
        typeof timeLimitMillis === "number" &&
        timeLimitMillis >= 0 &&
        typeof source === "string" &&
        typeof combine === "string" &&
        captures instanceof Uint8Array
        ? Result.succeed({ mode: mode as Mode, timeLimitMillis, source, combine, captures, item })
        : Result.fail(new InvalidValue({ problem: "a part of the shipped function is missing" }))
    }
  )
