/**
 * The client: submits jobs, hands out their results, and hides what goes wrong on the
 * way where it can.
 *
 * @since 0.1.0
 */
import * as Config from "effect/Config"
import * as Context from "effect/Context"
import type * as DateTime from "effect/DateTime"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import * as internal from "./client/Program.ts"
import * as Servers from "./connection/Servers.ts"
import type { GearmanError } from "./GearmanError.ts"
import type { JobFunction, Priority } from "./JobFunction.ts"
import type * as Network from "./Network.ts"
import type { ServerSelection } from "./ServerSelection.ts"

/**
 * Where a job is and what it is called there.
 *
 * @since 0.1.0
 * @category models
 */
export interface JobHandle {
  /** The job server, as `host:port`. */
  readonly server: string
  readonly handle: string
}

/**
 * What a job server says about a job. It keeps nothing about finished jobs: `known` is
 * false for a job that is done as for one that never was.
 *
 * @since 0.1.0
 * @category models
 */
export interface JobStatus {
  readonly known: boolean
  readonly running: boolean
  readonly numerator: number
  readonly denominator: number
  /** How many clients wait for the job; only `statusByUnique` tells. */
  readonly clients: number | undefined
}

/**
 * What a job's callers hear, in the order the worker said it. After a resubmission
 * the new attempt begins with a new `Created`. `Dropped` tells a reader that was behind how
 * many events it has lost since it was told last.
 *
 * @since 0.1.0
 * @category models
 */
export type JobEvent<Success, Progress = never> =
  | { readonly _tag: "Created"; readonly handle: JobHandle }
  | { readonly _tag: "Data"; readonly data: Uint8Array }
  | { readonly _tag: "Warning"; readonly data: Uint8Array }
  | { readonly _tag: "Status"; readonly numerator: number; readonly denominator: number }
  | { readonly _tag: "Progress"; readonly value: Progress }
  | { readonly _tag: "Dropped"; readonly count: number }
  | { readonly _tag: "Done"; readonly value: Success }

/**
 * A job that was submitted and is listened to.
 *
 * @since 0.1.0
 * @category models
 */
export interface Job<out Success, out Error = never, out Progress = never> {
  /** Where the job is now; another server after a resubmission. */
  readonly handle: Effect.Effect<JobHandle>
  /**
   * Data, warnings and progress as they come, then `Done`; fails as `await` does. One
   * stream takes what was not read yet; run it once.
   */
  readonly events: Stream.Stream<JobEvent<Success, Progress>, GearmanError | Error>
  /** The result. */
  readonly await: Effect.Effect<Success, GearmanError | Error>
  /** Stops listening. The job itself goes on; `await` is then interrupted and `events` ends. */
  readonly detach: Effect.Effect<void>
}

/**
 * What happens to events that nobody reads, when `eventCapacity` is reached: the
 * oldest or the newest are dropped.
 *
 * @since 0.1.0
 * @category models
 */
export type Overflow = "dropOldest" | "dropNewest"

/**
 * How one call differs from its function's definition.
 *
 * @since 0.1.0
 * @category models
 */
export interface RunOptions {
  /** Replaces the function's unique: at most 63 bytes of UTF-8, no NUL. */
  readonly unique?: string | undefined
  readonly priority?: Priority | undefined
  /** How long to wait for the result, resubmissions and retries included. */
  readonly timeout?: Duration.Input | undefined
  /**
   * When no result came after this time, the next server is asked too, and the first
   * answer wins. Only idempotent functions are: of others it changes nothing.
   */
  readonly hedge?: Duration.Input | undefined
}

/**
 * How one submission differs from its function's definition.
 *
 * @since 0.1.0
 * @category models
 */
export interface SubmitOptions {
  /** Replaces the function's unique: at most 63 bytes of UTF-8, no NUL. */
  readonly unique?: string | undefined
  readonly priority?: Priority | undefined
  /** How long to wait for the result, resubmissions and the acceptance included. */
  readonly timeout?: Duration.Input | undefined
  /** Events kept for a reader that is behind. Default: 1024. */
  readonly eventCapacity?: number | undefined
  /** Default: `dropOldest`. */
  readonly overflow?: Overflow | undefined
}

/**
 * How a background submission differs from its function's definition.
 *
 * @since 0.1.0
 * @category models
 */
export interface BackgroundOptions {
  readonly unique?: string | undefined
  readonly priority?: Priority | undefined
  /** How long to wait until a server has accepted the job. */
  readonly timeout?: Duration.Input | undefined
  /** Not before this moment, in whole seconds (SUBMIT_JOB_EPOCH; priority is then normal). */
  readonly at?: DateTime.DateTime | Date | undefined
  /** Not before this much time has passed, rounded up to whole seconds. */
  readonly after?: Duration.Input | undefined
}

/**
 * How a client works. Every field but `servers` has a default.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /** The job servers, as addresses or as texts like `host:port`. Order matters only to some selections. */
  readonly servers: ReadonlyArray<Network.Address | string>
  /** Which server gets which job. Default: `ServerSelection.rendezvous`. */
  readonly selection?: ServerSelection | undefined
  /** How long dialling a server may take until it has answered. Default: 5 seconds. */
  readonly connectTimeout?: Duration.Input | undefined
  /** How long a submission waits for any server at all, before it ends in `NoServer`. Default: 5 seconds. */
  readonly noServerTimeout?: Duration.Input | undefined
  /** How long a server may take to answer a status request or an echo. Default: 30 seconds. */
  readonly requestTimeout?: Duration.Input | undefined
  /** A server that was silent for this long is asked whether it is there (ECHO_REQ). Default: 10 seconds. */
  readonly probeInterval?: Duration.Input | undefined
  /** A server that does not answer within this time is given up and dialled anew. Default: 5 seconds. */
  readonly probeTimeout?: Duration.Input | undefined
  /** Jobs that may be under way at once; further callers wait. Default: 16,384. */
  readonly maxJobs?: number | undefined
  /**
   * Bytes handed to one server's connection at a time; what is beyond waits in the order
   * of the calls, and is certainly not sent when the connection is lost. Default: 1 MiB.
   */
  readonly maxUnsentBytes?: number | undefined
}

/**
 * A client of one or more job servers.
 *
 * @example
 * ```ts
 * import * as Client from "effect-gearman/Client"
 * import * as Effect from "effect/Effect"
 * import * as JobFunction from "effect-gearman/JobFunction"
 *
 * const reverse = JobFunction.utf8("reverse")
 * const program = Effect.gen(function* () {
 *   const client = yield* Client.Client
 *   const result = yield* client.run(reverse, "hello")
 *   const job = yield* client.submit(reverse, result, { priority: "high" })
 *   const { handle } = yield* client.background(reverse, "later", { after: "1 minute" })
 *   return [yield* job.await, handle]
 * })
 * ```
 *
 * @since 0.1.0
 * @category services
 */
export class Client extends Context.Service<
  Client,
  {
    /**
     * Submits a job and waits for its result. Interrupting it stops waiting; the job
     * itself, and other callers merged with it, go on.
     */
    readonly run: <Payload, Success, Error, Progress>(
      fn: JobFunction<string, Payload, Success, Error, Progress>,
      payload: Payload,
      options?: RunOptions
    ) => Effect.Effect<Success, GearmanError | Error>
    /** Submits a job and returns once a server has accepted it. */
    readonly submit: <Payload, Success, Error, Progress>(
      fn: JobFunction<string, Payload, Success, Error, Progress>,
      payload: Payload,
      options?: SubmitOptions
    ) => Effect.Effect<Job<Success, Error, Progress>, GearmanError>
    /** Submits a job whose result nobody waits for, and returns its handle once a server has accepted it. */
    readonly background: <Payload, Success, Error, Progress>(
      fn: JobFunction<string, Payload, Success, Error, Progress>,
      payload: Payload,
      options?: BackgroundOptions
    ) => Effect.Effect<JobHandle, GearmanError>
    /** Asks the job's server about it. */
    readonly status: (handle: JobHandle) => Effect.Effect<JobStatus, GearmanError>
    /**
     * Asks about a job by its unique: the server that such a job goes to, then the others. Those that
     * cannot be reached are passed over; `NoServer` is told when none can be. The protocol's question
     * names no function: give jobs of different functions different uniques to tell them apart.
     */
    readonly statusByUnique: (fn: { readonly name: string }, unique: string) => Effect.Effect<JobStatus, GearmanError>
    /** Sends bytes to a server, or to the first that can be reached, and returns what came back: a health check. */
    readonly echo: (server?: Network.Address | string, bytes?: Uint8Array) => Effect.Effect<Uint8Array, GearmanError>
  }
>()("effect-gearman/Client") {}

/**
 * A client that lives as long as the scope. Servers are dialled when they are first
 * needed. Fails when a server's text is no address, or there is no server.
 *
 * @example
 * ```ts
 * import * as Client from "effect-gearman/Client"
 * import * as Effect from "effect/Effect"
 * import { NodeNetwork } from "effect-gearman/node"
 *
 * const isThere = Effect.gen(function* () {
 *   const client = yield* Client.make({ servers: ["127.0.0.1:4730"] })
 *   return yield* Effect.isSuccess(client.echo())
 * }).pipe(Effect.scoped, Effect.provide(NodeNetwork.layer))
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const make: (
  options: Options
) => Effect.Effect<Client["Service"], Network.InvalidAddress, Network.Network | Scope.Scope> = internal.make

/**
 * A client as a layer.
 *
 * @example
 * ```ts
 * import * as Client from "effect-gearman/Client"
 * import * as Effect from "effect/Effect"
 * import * as JobFunction from "effect-gearman/JobFunction"
 *
 * const reverse = JobFunction.utf8("reverse")
 * const program = Effect.gen(function* () {
 *   const client = yield* Client.Client
 *   return yield* client.run(reverse, "hello")
 * }).pipe(Effect.provide(Client.layer({ servers: ["127.0.0.1:4730"] })))
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (options: Options): Layer.Layer<Client, Network.InvalidAddress, Network.Network> =>
  Layer.effect(Client, make(options))

/**
 * A client whose options come from the configuration.
 *
 * @example
 * ```ts
 * import * as Client from "effect-gearman/Client"
 * import * as Config from "effect/Config"
 * import * as Schema from "effect/Schema"
 *
 * const clientLive = Client.layerConfig({
 *   servers: Config.Array(Schema.String, "QUEUE_SERVERS"),
 *   noServerTimeout: Config.Duration("QUEUE_PATIENCE").pipe(Config.withDefault("5 seconds"))
 * })
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layerConfig = (
  options: Config.Wrap<Options>
): Layer.Layer<Client, Network.InvalidAddress | Config.ConfigError, Network.Network> =>
  Layer.effect(
    Client,
    Effect.flatMap(Config.unwrap(options), (options) => make(options))
  )

/**
 * A client of the servers that `GEARMAN_SERVERS` names, separated by commas;
 * `127.0.0.1:4730` when it is not set.
 *
 * @example
 * ```ts
 * import * as Client from "effect-gearman/Client"
 * import * as Layer from "effect/Layer"
 * import { NodeNetwork } from "effect-gearman/node"
 *
 * // GEARMAN_SERVERS=10.0.0.1,10.0.0.2:4731
 * const clientLive = Client.layerFromEnv.pipe(Layer.provide(NodeNetwork.layer))
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layerFromEnv: Layer.Layer<Client, Network.InvalidAddress | Config.ConfigError, Network.Network> =
  layerConfig({ servers: Servers.fromEnv })
