/**
 * The worker's side of the distributed map.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import * as Codec from "../Codec.ts"
import * as JobFunction from "../JobFunction.ts"
import { Worker } from "../Worker.ts"
import { EvaluationError, type EvaluationKind, MapEvaluator } from "./MapEvaluator.ts"
import { defaultFunctionName } from "./MapItem.ts"
import * as Outcome from "./Outcome.ts"
import * as Shipment from "./Shipment.ts"

/**
 * Serves the distributed map while the layer lives: runs whatever functions clients
 * ship, by the `MapEvaluator`. Whoever can reach the job servers can then run code on
 * this machine; the evaluator's limits are there for accidents, not for attacks.
 *
 * A function that throws is a result for its client and no failed job. How many items
 * run at once is the worker's `concurrency`.
 *
 * @example
 * ```ts
 * import * as DistributedMap from "effect-gearman/DistributedMap"
 * import { MapSandbox } from "effect-gearman/node"
 * import * as Worker from "effect-gearman/Worker"
 * import * as Layer from "effect/Layer"
 *
 * const main = DistributedMap.serve().pipe(
 *   Layer.provide(MapSandbox.layer({ worker: "sammy", slots: 4, memoryLimitMebibytes: 128 })),
 *   Layer.provide(Worker.layer({ servers: ["127.0.0.1:4730"], concurrency: 4 })),
 *   Layer.launch
 * )
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const serve = (options?: {
  /** The Gearman function to serve; the clients' `functionName` is the same. Default: `effect-gearman.map`. */
  readonly functionName?: string | undefined
}): Layer.Layer<never, never, Worker | MapEvaluator> =>
  Layer.effectDiscard(
    Effect.gen(function* () {
      const worker = yield* Worker
      const evaluator = yield* MapEvaluator
      yield* worker.register(JobFunction.bytes(options?.functionName ?? defaultFunctionName), (workload) => {
        const shipment = Shipment.decode(workload)
        return Result.isFailure(shipment)
          ? Effect.succeed(failure("unavailable", "InvalidShipment", shipment.failure.message))
          : Effect.match(evaluator.evaluate(shipment.success), {
              onFailure: Outcome.encodeFailure,
              onSuccess: (value) => (value.length > resultLimitBytes ? tooLarge(value) : Outcome.encodeSuccess(value))
            })
      })
    })
  )

/**
 * What fits in one packet beside the job's handle. A larger result would cost the worker
 * its connection, and the job would be run again elsewhere, with the same end.
 */
const resultLimitBytes = Codec.defaultLimits.maxPacketBytes - 1024

const tooLarge = (value: Uint8Array): Uint8Array =>
  failure("result", "TooLarge", `the result takes ${value.length} bytes, the limit is ${resultLimitBytes}`)

const failure = (kind: typeof EvaluationKind.Type, name: string, message: string): Uint8Array =>
  Outcome.encodeFailure(new EvaluationError({ kind, error: { name, message }, position: 0 }))
