/**
 * The worker: takes jobs from all its job servers and runs their handlers.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { JobContext } from "./JobContext.ts"
import type { JobFunction } from "./JobFunction.ts"
import type * as Network from "./Network.ts"

/**
 * A handler fails with this to report WORK_FAIL: the job failed, without a reason.
 *
 * @since 0.1.0
 * @category errors
 */
export class JobFail extends Data.TaggedError("JobFail") {}

/**
 * How one function's jobs are run.
 *
 * @since 0.1.0
 * @category models
 */
export interface HandlerOptions {
  /** How many of the function's jobs run at once, within the worker's own limit. Default: the worker's limit. */
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
  /** What `workers` shows (SET_CLIENT_ID): at most 127 bytes, no white space. Default: none is announced. */
  readonly clientId?: string | undefined
  /** How long closing waits for jobs that run; then they are interrupted and handed back. Default: 30 seconds. */
  readonly drainTimeout?: Duration.Input | undefined
  /** How long dialling a server may take until it has answered. Default: 5 seconds. */
  readonly connectTimeout?: Duration.Input | undefined
  /** A server that was silent for this long is asked whether it is there (ECHO_REQ). Default: 10 seconds. */
  readonly probeInterval?: Duration.Input | undefined
  /** A server that does not answer within this time is given up and dialled anew. Default: 5 seconds. */
  readonly probeTimeout?: Duration.Input | undefined
  /** Bytes of output waiting for one server above which handlers wait before they send more. Default: 1 MiB. */
  readonly maxUnsentBytes?: number | undefined
}

/**
 * A worker.
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
     * A function registered twice is served by the newest handler.
     */
    readonly register: <Payload, Success, Error, Progress, R>(
      fn: JobFunction<string, Payload, Success, Error, Progress>,
      handler: (payload: Payload) => Effect.Effect<Success, Error | JobFail, R>,
      options?: HandlerOptions
    ) => Effect.Effect<void, never, Scope.Scope | Exclude<R, JobContext | Scope.Scope>>
  }
>()("effect-gearman/Worker") {}
