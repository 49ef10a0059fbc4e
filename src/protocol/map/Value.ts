/**
 * The values that the distributed map carries, to bytes and back. What JSON lacks
 * survives: `undefined`, `NaN`, `-0`, infinities, bigints, dates, regular expressions,
 * errors, maps, sets, buffers and typed arrays, sparse arrays, parts that are shared,
 * and cycles. What cannot travel is refused, with the path to it.
 *
 * @since 0.1.0
 */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { ValueReader } from "./ValueReader.ts"
import { ValueWriter } from "./ValueWriter.ts"

/**
 * A part of a value that cannot travel: a function, a symbol, a promise, a weak
 * collection, an instance of a class (its methods would be lost), an array or object
 * with properties that would be lost, or nesting that is too deep. Nothing was sent.
 *
 * @example
 * ```ts
 * import * as DistributedMap from "effect-gearman/DistributedMap"
 * import * as Effect from "effect/Effect"
 *
 * const lengths = DistributedMap.map(["a", "bc"], (text) => text.length).pipe(
 *   Effect.catchTag("CannotTravel", ({ message }) => Effect.logError(message))
 * )
 * ```
 *
 * @since 0.1.0
 * @category errors
 */
export class CannotTravel extends Schema.TaggedError<CannotTravel>("effect-gearman/DistributedMap/CannotTravel")(
  "CannotTravel",
  {
    /** Where it is, as one would write it in JavaScript: `items[3].callback`. */
    path: Schema.String,
    what: Schema.String
  }
) {
  override get message() {
    return `${this.path} cannot travel to a worker: it is ${this.what}. Ship plain values: objects, arrays, maps, sets, dates, buffers`
  }
}

/**
 * Bytes that hold no value: cut short, altered, or written by something else.
 *
 * @example
 * ```ts
 * import * as DistributedMap from "effect-gearman/DistributedMap"
 * import * as Result from "effect/Result"
 *
 * const value = DistributedMap.decode(new Uint8Array(0))
 * const text = Result.isFailure(value) ? value.failure.message : "well-formed"
 * ```
 *
 * @since 0.1.0
 * @category errors
 */
export class InvalidValue extends Schema.TaggedError<InvalidValue>("effect-gearman/DistributedMap/InvalidValue")(
  "InvalidValue",
  { problem: Schema.String }
) {
  override get message() {
    return `the bytes hold no value of the distributed map: ${this.problem}`
  }
}

/**
 * A value's bytes. `root` is the value's name in a refusal's path.
 *
 * @example
 * ```ts
 * import { DistributedMap } from "effect-gearman"
 *
 * const bytes = DistributedMap.encode(new Map([["total", 10n]]), "totals")
 * ```
 *
 * @since 0.1.0
 * @category conversions
 */
export const encode = (value: unknown, root: string): Result.Result<Uint8Array<ArrayBuffer>, CannotTravel> =>
  Result.flatMap(
    Result.try({
      try: () => {
        const writer = new ValueWriter()
        return writer.write(value, root) ?? writer.finish()
      },
      // Only code of the value's own can throw here: a getter, or a proxy's trap.
      catch: (cause) => new CannotTravel({ path: root, what: `a value that throws when it is read (${String(cause)})` })
    }),
    (written) => (written instanceof Uint8Array ? Result.succeed(written) : Result.fail(new CannotTravel(written)))
  )

/**
 * The value that the bytes hold; all of them, and nothing after it.
 *
 * @example
 * ```ts
 * import * as DistributedMap from "effect-gearman/DistributedMap"
 * import * as Result from "effect/Result"
 *
 * const roundTrip = Result.flatMap(DistributedMap.encode(new Map([["a", 1n]]), "value"), DistributedMap.decode)
 * ```
 *
 * @since 0.1.0
 * @category conversions
 */
export const decode = (bytes: Uint8Array): Result.Result<unknown, InvalidValue> =>
  Result.flatMap(
    Result.try({
      try: () => {
        const reader = new ValueReader(bytes)
        const value = reader.read()
        return { value, problem: reader.problem ?? (reader.isAtEnd ? undefined : "bytes after the value") }
      },
      catch: (cause) => new InvalidValue({ problem: String(cause) })
    }),
    ({ problem, value }) => (problem === undefined ? Result.succeed(value) : Result.fail(new InvalidValue({ problem })))
  )
