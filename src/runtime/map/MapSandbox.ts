/**
 * What runs shipped functions on Node: threads with limits on memory and time, each in
 * a process of its own, so that whatever a function does, by accident, costs its own
 * item and nothing else.
 *
 * It is no prison: a function can use the network and the processor, and whoever can
 * submit jobs can run code here. By default it cannot touch files or start programs
 * (Node's permission model), sees nothing of the worker's environment, and shares
 * nothing with the worker's own process.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Semaphore from "effect/Semaphore"
import { hostname } from "node:os"
import { time } from "../../protocol/connection/Count.ts"
import { EvaluationError, MapEvaluator } from "../../protocol/map/MapEvaluator.ts"
import { longestMillis } from "../Timers.ts"
import { Slot } from "./Slot.ts"

/**
 * How shipped functions are run.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /** The worker's name, as shipped functions are told. Default: the host's name. */
  readonly worker?: string | undefined
  /** How many functions run at once, each in a process of its own. Give the worker the same `concurrency`. Default: 1. */
  readonly slots?: number | undefined
  /** The longest that one item may run, also where its client allows more. Default: 1 minute. */
  readonly timeLimit?: Duration.Input | undefined
  /** How much memory one item may use, in MiB, at least 16. Default: 256. */
  readonly memoryLimitMebibytes?: number | undefined
  /**
   * `none`: no files, no child processes, no native addons. `all`: whatever the worker
   * itself may do. Default: `none`.
   */
  readonly permissions?: "none" | "all" | undefined
}

/** About three weeks: a timer holds it, and the time that its process has beside it. */
const longestLimitMillis = longestMillis - 2 ** 28

const defaultMemoryLimitMebibytes = 256
const leastMemoryLimitMebibytes = 16

/**
 * The sandbox. Its processes are started with the first items and end with the layer.
 *
 * @example
 * ```ts
 * import { DistributedMap, Worker } from "effect-gearman"
 * import { MapSandbox, NodeNetwork } from "effect-gearman/node"
 * import * as Layer from "effect/Layer"
 *
 * const worker = DistributedMap.serve().pipe(
 *   Layer.provide(MapSandbox.layer({ worker: "sammy", slots: 2 })),
 *   Layer.provide(Worker.layer({ servers: ["127.0.0.1:4730"], concurrency: 2 })),
 *   Layer.provide(NodeNetwork.layer)
 * )
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (options: Options = {}): Layer.Layer<MapEvaluator> =>
  Layer.effect(
    MapEvaluator,
    Effect.gen(function* () {
      const worker = options.worker ?? hostname()
      const limitMillis = Math.min(
        Duration.toMillis(time("timeLimit", options.timeLimit ?? "1 minute")),
        longestLimitMillis
      )
      const slotCount = Math.max(1, Math.trunc(options.slots ?? 1))
      const slotOptions = {
        memoryLimitMebibytes: Math.max(
          leastMemoryLimitMebibytes,
          options.memoryLimitMebibytes ?? defaultMemoryLimitMebibytes
        ),
        isRestricted: options.permissions !== "all"
      }
      const slots = Array.from({ length: slotCount }, () => new Slot(slotOptions))
      yield* Effect.addFinalizer(() => Effect.sync(() => slots.forEach((slot) => slot.close())))
      const idle = [...slots]
      const permits = Semaphore.makeUnsafe(slotCount)

      return MapEvaluator.of({
        evaluate: (shipment) =>
          permits.withPermits(1)(
            Effect.acquireUseRelease(
              Effect.sync(() => idle.pop()!),
              (slot) =>
                Effect.callback<Uint8Array, EvaluationError>((resume) => {
                  const asked = shipment.timeLimitMillis
                  const timeLimitMillis = asked === 0 ? limitMillis : Math.min(asked, limitMillis)
                  slot.run({ shipment, worker, timeLimitMillis }, (ending) =>
                    resume(
                      "value" in ending
                        ? Effect.succeed(ending.value)
                        : Effect.fail(new EvaluationError(ending.failure))
                    )
                  )
                  return Effect.sync(() => slot.close())
                }),
              (slot) => Effect.sync(() => void idle.push(slot))
            )
          )
      })
    })
  )
