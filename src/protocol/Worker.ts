/**
 * The worker: takes jobs from all its job servers and runs their handlers.
 *
 * @since 0.1.0
 */
import * as Config from "effect/Config"
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Servers from "./connection/Servers.ts"
import type { JobContext } from "./JobContext.ts"
import type { JobFunction } from "./JobFunction.ts"
import type * as Network from "./Network.ts"
import * as internal from "./worker/Program.ts"

/**
 * A handler fails with this to report WORK_FAIL: the job failed, without a reason.
 *
 * @example
 * ```ts
 * import * as Effect from "effect/Effect"
 * import * as JobFunction from "effect-gearman/JobFunction"
 * import * as Worker from "effect-gearman/Worker"
 *
 * const even = JobFunction.utf8("even").toLayer((text) =>
 *   Number(text) % 2 === 0 ? Effect.succeed(text) : Effect.fail(new Worker.JobFail())
 * )
 * ```
 *
 * @since 0.1.0
 * @category errors
 */
export class JobFail extends Schema.TaggedError<JobFail>("effect-gearman/Worker/JobFail")("JobFail", {}) {}

/**
 * How one function's jobs are run.
 *
 * @since 0.1.0
 * @category models
 */
export interface HandlerOptions {
  /**
   * How many of the function's jobs run at once, where that is less than the worker's own
   * limit. No more are taken than may run, and none ahead, whatever `prefetch` is: what is
   * beyond is left to other workers. A function with such a limit has a connection of its
   * own to each server. Default: the worker's limit.
   */
  readonly concurrency?: number | undefined
  /**
   * How long one attempt may take. The job servers are told (CAN_DO_TIMEOUT, at least
   * one second there) and give the job to another worker when it passes; the handler is
   * interrupted. Default: for ever.
   */
  readonly timeout?: Duration.Input | undefined
}

/**
 * How a worker works. Every field but `servers` has a default.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /** The job servers, as addresses or as texts like `host:port`. */
  readonly servers: ReadonlyArray<Network.Address | string>
  /** How many jobs run at once, over all servers and functions. Default: 1. */
  readonly concurrency?: number | undefined
  /** What `workers` shows (SET_CLIENT_ID): 1 to 127 graphic ASCII characters; another one is a defect. Default: the network's name for us, on Node `<host>:<process id>`. */
  readonly clientId?: string | undefined
  /**
   * How long closing waits for jobs that run; then they are interrupted and handed back.
   * Functions are closed one after the other, and each has so long. Default: 30 seconds.
   */
  readonly drainTimeout?: Duration.Input | undefined
  /** How long dialling a server may take until it has answered. Default: 5 seconds. */
  readonly connectTimeout?: Duration.Input | undefined
  /** A server that was silent for this long is asked whether it is there (ECHO_REQ). Default: 10 seconds. */
  readonly probeInterval?: Duration.Input | undefined
  /** A server that does not answer within this time is given up and dialled anew. Default: 5 seconds. */
  readonly probeTimeout?: Duration.Input | undefined
  /**
   * Jobs taken ahead, beyond those that run, which wait here for their turn: the way to the
   * server and back between two jobs is then spared. For many small jobs; a job that waits
   * here cannot be run by another worker that is idle, and one of a higher priority comes
   * after it. Nothing is taken ahead of a function with a `concurrency` of its own, and nothing
   * at all while a function with a time limit and no such `concurrency` is served, since the
   * server counts the time that a job waits here. Closing runs those that wait, too, and hands
   * back what is left after `drainTimeout`. Default: 0.
   */
  readonly prefetch?: number | undefined
  /**
   * Questions for jobs under way to one server at once, within the free slots; more than
   * one only while each brings a job. Raise it where many small jobs run. Default: 8.
   */
  readonly maxGrabs?: number | undefined
  /** Bytes of output waiting for one server above which handlers wait before they send more. Default: 1 MiB. */
  readonly maxUnsentBytes?: number | undefined
}

/**
 * A worker.
 *
 * @example
 * ```ts
 * import * as Effect from "effect/Effect"
 * import * as JobFunction from "effect-gearman/JobFunction"
 * import * as Worker from "effect-gearman/Worker"
 *
 * // As `toLayer` does it, for functions that come and go while the worker runs.
 * const program = Effect.gen(function* () {
 *   const worker = yield* Worker.Worker
 *   yield* worker.register(JobFunction.utf8("shout"), (text) => Effect.succeed(text.toUpperCase()), { concurrency: 2 })
 *   yield* Effect.sleep("1 hour")
 * }).pipe(Effect.scoped)
 * ```
 *
 * @since 0.1.0
 * @category services
 */
export class Worker extends Context.Service<
  Worker,
  {
    /**
     * Serves a function until the scope closes: announces it to every server, and again
     * after each reconnect. Closing the scope stops taking jobs, finishes those that run
     * within `drainTimeout`, and hands back the others.
     *
     * A function registered twice is served by the newest handler; where one of the two has
     * a `concurrency` of its own, by both, each over its own connections. A name that is empty,
     * longer than 512 bytes of UTF-8 or contains a NUL is a defect.
     */
    readonly register: <Payload, Success, Error, Progress, R>(
      fn: JobFunction<string, Payload, Success, Error, Progress>,
      handler: (payload: Payload) => Effect.Effect<Success, Error | JobFail, R>,
      options?: HandlerOptions
    ) => Effect.Effect<void, never, Scope.Scope | Exclude<R, JobContext | Scope.Scope>>
  }
>()("effect-gearman/Worker") {}

/**
 * A worker that lives as long as the scope. It dials all its servers at once, and again for
 * ever while one is not there, which is a warning in the log. Fails when a server's text is no
 * address, or there is no server.
 *
 * @example
 * ```ts
 * import * as Effect from "effect/Effect"
 * import * as JobFunction from "effect-gearman/JobFunction"
 * import { NodeNetwork } from "effect-gearman/node"
 * import * as Worker from "effect-gearman/Worker"
 *
 * const program = Effect.gen(function* () {
 *   const worker = yield* Worker.make({ servers: ["127.0.0.1:4730"], concurrency: 4 })
 *   yield* worker.register(JobFunction.utf8("shout"), (text) => Effect.succeed(text.toUpperCase()))
 *   return yield* Effect.never
 * }).pipe(Effect.scoped, Effect.provide(NodeNetwork.layer))
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const make: (
  options: Options
) => Effect.Effect<Worker["Service"], Network.InvalidAddress, Network.Network | Scope.Scope> = internal.make

/**
 * A worker as a layer; functions are added by `fn.toLayer(handler)`.
 *
 * @example
 * ```ts
 * import * as Effect from "effect/Effect"
 * import * as JobFunction from "effect-gearman/JobFunction"
 * import * as Layer from "effect/Layer"
 * import * as Worker from "effect-gearman/Worker"
 *
 * const reverse = JobFunction.utf8("reverse")
 * const main = reverse.toLayer((text) => Effect.succeed([...text].reverse().join(""))).pipe(
 *   Layer.provide(Worker.layer({ servers: ["127.0.0.1:4730"], concurrency: 4 })),
 *   Layer.launch
 * )
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (options: Options): Layer.Layer<Worker, Network.InvalidAddress, Network.Network> =>
  Layer.effect(Worker, make(options))

/**
 * A worker whose options come from the configuration.
 *
 * @example
 * ```ts
 * import * as Config from "effect/Config"
 * import * as Schema from "effect/Schema"
 * import * as Worker from "effect-gearman/Worker"
 *
 * const workerLive = Worker.layerConfig({
 *   servers: Config.Array(Schema.String, "QUEUE_SERVERS"),
 *   concurrency: Config.Int("CONCURRENCY").pipe(Config.withDefault(4))
 * })
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layerConfig = (
  options: Config.Wrap<Options>
): Layer.Layer<Worker, Network.InvalidAddress | Config.ConfigError, Network.Network> =>
  Layer.effect(
    Worker,
    Effect.flatMap(Config.unwrap(options), (options) => make(options))
  )

/**
 * A worker of the servers that `GEARMAN_SERVERS` names, separated by commas;
 * `127.0.0.1:4730` when it is not set.
 *
 * @example
 * ```ts
 * import * as Effect from "effect/Effect"
 * import * as JobFunction from "effect-gearman/JobFunction"
 * import * as Layer from "effect/Layer"
 * import { NodeNetwork } from "effect-gearman/node"
 * import * as Worker from "effect-gearman/Worker"
 *
 * // GEARMAN_SERVERS=10.0.0.1,10.0.0.2:4731
 * const main = JobFunction.utf8("shout").toLayer((text) => Effect.succeed(text.toUpperCase())).pipe(
 *   Layer.provide(Worker.layerFromEnv),
 *   Layer.provide(NodeNetwork.layer),
 *   Layer.launch
 * )
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layerFromEnv: Layer.Layer<Worker, Network.InvalidAddress | Config.ConfigError, Network.Network> =
  layerConfig({ servers: Servers.fromEnv })
