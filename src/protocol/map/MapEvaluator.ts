/**
 * What runs shipped functions, as a service: the worker's side of the distributed map
 * is written against it. On Node it is a sandbox of threads with limits on memory and
 * time; in the simulator, and in tests, the function is simply called.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { evaluation, remoteErrorOf } from "./Evaluation.ts"
import type { Shipment } from "./Shipment.ts"

/**
 * How an item can fail on the worker's side:
 *
 * - `thrown`: the function threw or its promise rejected, or a rejection of its went unhandled.
 * - `timeLimit`: it took longer than its time limit, or never settled.
 * - `memoryLimit`: it used more memory than the worker allows.
 * - `exited`: it ended the thread or process it ran in.
 * - `result`: what it returned cannot travel.
 * - `unavailable`: the worker could not run it; another may.
 *
 * @example
 * ```ts
 * import * as DistributedMap from "effect-gearman/DistributedMap"
 *
 * const isLimit = (kind: typeof DistributedMap.EvaluationKind.Type) => kind === "timeLimit" || kind === "memoryLimit"
 * ```
 *
 * @since 0.1.0
 * @category schemas
 */
export const EvaluationKind = Schema.Literals(["thrown", "timeLimit", "memoryLimit", "exited", "result", "unavailable"])

/**
 * An error as it was where it happened.
 *
 * @example
 * ```ts
 * import * as DistributedMap from "effect-gearman/DistributedMap"
 *
 * const show = ({ message, name, stack }: typeof DistributedMap.RemoteError.Type) => stack ?? `${name}: ${message}`
 * ```
 *
 * @since 0.1.0
 * @category schemas
 */
export const RemoteError = Schema.Struct({
  name: Schema.String,
  message: Schema.String,
  /** The stack on the worker's side. */
  stack: Schema.optional(Schema.String)
})

/**
 * An item could not be evaluated.
 *
 * @example
 * ```ts
 * import * as DistributedMap from "effect-gearman/DistributedMap"
 *
 * const unavailable = new DistributedMap.EvaluationError({
 *   kind: "unavailable",
 *   error: { name: "Error", message: "no sandbox today" },
 *   position: 0
 * })
 * ```
 *
 * @since 0.1.0
 * @category errors
 */
export class EvaluationError extends Schema.TaggedError<EvaluationError>(
  "effect-gearman/DistributedMap/EvaluationError"
)("EvaluationError", {
  kind: EvaluationKind,
  error: RemoteError,
  /** Which item of a batch failed, from 0. */
  position: Schema.Number
}) {
  override get message() {
    return `${this.error.name}: ${this.error.message}`
  }
}

/**
 * Runs shipped functions. The success is the result, encoded as a value.
 *
 * @example
 * ```ts
 * import * as DistributedMap from "effect-gearman/DistributedMap"
 * import * as Effect from "effect/Effect"
 * import * as Layer from "effect/Layer"
 *
 * // A worker that runs nothing that clients send.
 * const none = Layer.succeed(DistributedMap.MapEvaluator, {
 *   evaluate: () =>
 *     Effect.fail(
 *       new DistributedMap.EvaluationError({
 *         kind: "unavailable",
 *         error: { name: "Error", message: "not here" },
 *         position: 0
 *       })
 *     )
 * })
 * ```
 *
 * @since 0.1.0
 * @category services
 */
export class MapEvaluator extends Context.Service<
  MapEvaluator,
  {
    readonly evaluate: (shipment: Shipment) => Effect.Effect<Uint8Array, EvaluationError>
  }
>()("effect-gearman/DistributedMap/MapEvaluator") {}

const failed = (kind: typeof EvaluationKind.Type, error: typeof RemoteError.Type, position = 0) =>
  new EvaluationError({ kind, error, position })

const isThenable = (value: unknown): value is PromiseLike<unknown> =>
  typeof value === "object" && value !== null && "then" in value && typeof value.then === "function"

/**
 * Calls shipped functions in this very process, with no limit on time or memory: an
 * endless loop is one. For simulation, for tests, and for callers that are trusted as
 * the program itself is. Asynchronous functions are refused, unless they are allowed.
 *
 * @example
 * ```ts
 * import { DistributedMap, MemoryNetwork, Worker } from "effect-gearman"
 * import * as Layer from "effect/Layer"
 *
 * const workerTest = DistributedMap.serve().pipe(
 *   Layer.provide(DistributedMap.layerUnsafe({ worker: "sammy", asynchronous: true })),
 *   Layer.provide(Worker.layer({ servers: ["127.0.0.1:4730"] })),
 *   Layer.provide(MemoryNetwork.layer)
 * )
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layerUnsafe = (options: {
  /** The worker's name, as the shipped function is told. */
  readonly worker: string
  /**
   * Whether functions may be asynchronous. What they wait for takes its real time, so a
   * simulated world cannot have them. Default: false.
   */
  readonly asynchronous?: boolean | undefined
}): Layer.Layer<MapEvaluator> =>
  Layer.succeed(MapEvaluator, {
    evaluate: Effect.fnUntraced(function* (shipment) {
      const progress = { position: 0 }
      const fail = (thrown: unknown) => failed("thrown", remoteErrorOf(thrown), progress.position)
      const steps = evaluation(shipment, { worker: options.worker }, progress)
      const next = (value?: unknown) => Effect.try({ try: () => steps.next(value), catch: fail })
      let step = yield* next()
      while (step.done !== true) {
        const { value } = step
        if (!isThenable(value)) step = yield* next(value)
        else if (options.asynchronous === true) {
          step = yield* next(yield* Effect.tryPromise({ try: () => value, catch: fail }))
        } else {
          const message =
            "this worker runs no asynchronous functions; outside of simulation, layerUnsafe({ asynchronous: true }) does"
          return yield* failed("unavailable", { name: "Error", message }, progress.position)
        }
      }
      const outcome = step.value
      if (outcome instanceof Uint8Array) return outcome
      return yield* failed(
        "result",
        { name: "CannotTravel", message: `${outcome.path} is ${outcome.what}` },
        progress.position
      )
    })
  })
