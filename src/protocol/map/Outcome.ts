/**
 * What comes back for an item, as the job's result: its value, or why there is none. A
 * function that throws is an outcome and no failed job, since the protocol's failure
 * carries no explanation.
 *
 * @since 0.1.0
 */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { EvaluationError, EvaluationKind, RemoteError } from "./MapEvaluator.ts"
import { decode as decodeValue, encode as encodeValue, InvalidValue } from "./Value.ts"

const succeeded = 0
const failed = 1

const Failure = Schema.Struct({ kind: EvaluationKind, error: RemoteError, position: Schema.Natural })
const decodeFailure = Schema.decodeUnknownResult(Failure)

const prefixed = (tag: number, bytes: Uint8Array): Uint8Array => {
  const outcome = new Uint8Array(1 + bytes.length)
  outcome[0] = tag
  outcome.set(bytes, 1)
  return outcome
}

/**
 * The job's result for an item that has one. The value is encoded already.
 *
 * @since 0.1.0
 * @category conversions
 */
export const encodeSuccess = (value: Uint8Array): Uint8Array => prefixed(succeeded, value)

/**
 * The job's result for an item that failed.
 *
 * @since 0.1.0
 * @category conversions
 */
export const encodeFailure = ({ error, kind, position }: EvaluationError): Uint8Array =>
  // These parts are text and numbers, which always travel.
  prefixed(failed, Result.getOrThrow(encodeValue({ kind, error: { ...error }, position }, "failure")))

/**
 * Reads a job's result.
 *
 * @since 0.1.0
 * @category conversions
 */
export const decode = (bytes: Uint8Array): Result.Result<unknown, EvaluationError | InvalidValue> => {
  const rest = bytes.subarray(1)
  if (bytes[0] === succeeded) return decodeValue(rest)
  if (bytes[0] !== failed) return Result.fail(new InvalidValue({ problem: "it is no outcome of a shipped function" }))
  return Result.flatMap(decodeValue(rest), (failure) => {
    const description = decodeFailure(failure)
    return Result.fail(
      Result.isSuccess(description)
        ? new EvaluationError(description.success)
        : new InvalidValue({ problem: String(description.failure) })
    )
  })
}
