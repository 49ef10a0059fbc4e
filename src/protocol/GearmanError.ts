/**
 * What can go wrong for someone who submits a job: one error, `GearmanError`, whose
 * `reason` tells the cases apart. Handle one of them with
 * `Effect.catchReason("GearmanError", "NoServer", …)`.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import * as Packet from "./Packet.ts"

/**
 * The worker reported that the job failed (WORK_FAIL). The protocol carries no
 * explanation; a worker that wants to explain itself sends an exception.
 *
 * @example
 * ```ts
 * import * as Effect from "effect/Effect"
 * import type { GearmanError } from "effect-gearman/GearmanError"
 *
 * declare const call: Effect.Effect<string, GearmanError>
 * const told = call.pipe(Effect.catchReason("GearmanError", "JobFailed", ({ handle }) => Effect.succeed(`${handle} failed`)))
 * ```
 *
 * @since 0.1.0
 * @category errors
 */
export class JobFailed extends Schema.TaggedError<JobFailed>("effect-gearman/GearmanError/JobFailed")("JobFailed", {
  function: Schema.String,
  /** The job server, as `host:port`, and the handle it gave. */
  server: Schema.String,
  handle: Schema.String
}) {
  override get message() {
    return `job ${this.handle} of "${this.function}" on ${this.server} failed; the worker gave no reason`
  }
}

/**
 * The worker reported an exception (WORK_EXCEPTION) that the function's error schema
 * does not describe, or the function has none: the bytes are as the worker sent them.
 *
 * @example
 * ```ts
 * import * as Effect from "effect/Effect"
 * import type { GearmanError } from "effect-gearman/GearmanError"
 *
 * declare const call: Effect.Effect<string, GearmanError>
 * const told = call.pipe(Effect.catchReason("GearmanError", "JobException", ({ data }) => Effect.succeed(new TextDecoder().decode(data))))
 * ```
 *
 * @since 0.1.0
 * @category errors
 */
export class JobException extends Schema.TaggedError<JobException>("effect-gearman/GearmanError/JobException")(
  "JobException",
  {
    function: Schema.String,
    server: Schema.String,
    handle: Schema.String,
    /** The worker's own bytes; for workers of this library a UTF-8 text. */
    data: Schema.Uint8Array
  }
) {
  override get message() {
    return `job ${this.handle} of "${this.function}" on ${this.server} threw: ${Packet.toText(this.data)}`
  }
}

/**
 * The connection was lost after the job had been sent, and the function is not
 * declared idempotent: whether the job ran, runs, or never will, cannot be known.
 * Declare the function `idempotent: true` to have such jobs resubmitted.
 *
 * @example
 * ```ts
 * import * as Effect from "effect/Effect"
 * import type { GearmanError } from "effect-gearman/GearmanError"
 *
 * declare const call: Effect.Effect<string, GearmanError>
 * const told = call.pipe(Effect.catchReason("GearmanError", "Ambiguous", ({ server }) => Effect.succeed(`ask ${server} about it`)))
 * ```
 *
 * @since 0.1.0
 * @category errors
 */
export class Ambiguous extends Schema.TaggedError<Ambiguous>("effect-gearman/GearmanError/Ambiguous")("Ambiguous", {
  function: Schema.String,
  server: Schema.String,
  /** Absent when the server had not yet acknowledged the job. */
  handle: Schema.optional(Schema.String),
  cause: Schema.Defect()
}) {
  override get message() {
    if (this.cause instanceof ClientClosed) {
      return `the client was closed while a job of "${this.function}" was at ${this.server}; whether it runs is unknown`
    }
    return (
      `the connection to ${this.server} was lost while a job of "${this.function}" was there; whether it runs is unknown. ` +
      `Declare the function idempotent to have such jobs resubmitted`
    )
  }
}

/**
 * No job server could be reached in the time allowed. Nothing was sent.
 *
 * @example
 * ```ts
 * import * as Effect from "effect/Effect"
 * import type { GearmanError } from "effect-gearman/GearmanError"
 *
 * declare const call: Effect.Effect<string, GearmanError>
 * const told = call.pipe(Effect.catchReason("GearmanError", "NoServer", ({ servers }) => Effect.succeed(`${servers.length} servers tried`)))
 * ```
 *
 * @since 0.1.0
 * @category errors
 */
export class NoServer extends Schema.TaggedError<NoServer>("effect-gearman/GearmanError/NoServer")("NoServer", {
  /** Each server that was tried, as `host:port`, with what happened. */
  servers: Schema.Array(Schema.Struct({ server: Schema.String, problem: Schema.String })),
  cause: Schema.optional(Schema.Defect())
}) {
  override get message() {
    const tried = this.servers.map(({ problem, server }) => `${server} (${problem})`).join(", ")
    return `no job server could be reached: ${tried}. Is one running there? Servers are given by the client's options or GEARMAN_SERVERS`
  }
}

/**
 * The time limit given for the job passed. The job may still run; its result is
 * dropped.
 *
 * @example
 * ```ts
 * import * as Effect from "effect/Effect"
 * import type { GearmanError } from "effect-gearman/GearmanError"
 *
 * declare const call: Effect.Effect<string, GearmanError>
 * const told = call.pipe(Effect.catchReason("GearmanError", "Timeout", ({ milliseconds }) => Effect.succeed(`not within ${milliseconds} ms`)))
 * ```
 *
 * @since 0.1.0
 * @category errors
 */
export class Timeout extends Schema.TaggedError<Timeout>("effect-gearman/GearmanError/Timeout")("Timeout", {
  /** What was waited for: a function's name, or a request such as `status`. */
  operation: Schema.String,
  milliseconds: Schema.Number
}) {
  override get message() {
    return `"${this.operation}" did not finish within ${this.milliseconds} ms`
  }
}

/**
 * The job server refused the request (ERROR), with its own code and text.
 *
 * @example
 * ```ts
 * import * as Effect from "effect/Effect"
 * import type { GearmanError } from "effect-gearman/GearmanError"
 *
 * declare const call: Effect.Effect<string, GearmanError>
 * const told = call.pipe(Effect.catchReason("GearmanError", "Refused", ({ code }) => Effect.succeed(code === "queue_full" ? "later" : code)))
 * ```
 *
 * @since 0.1.0
 * @category errors
 */
export class Refused extends Schema.TaggedError<Refused>("effect-gearman/GearmanError/Refused")("Refused", {
  server: Schema.String,
  code: Schema.String,
  text: Schema.String
}) {
  override get message() {
    return `${this.server} refused the request: ${this.code}${this.text === "" ? "" : `, ${this.text}`}`
  }
}

/**
 * A value does not fit the function's schema: the payload before it was sent, or the
 * worker's bytes after they came.
 *
 * @example
 * ```ts
 * import * as Effect from "effect/Effect"
 * import type { GearmanError } from "effect-gearman/GearmanError"
 *
 * declare const call: Effect.Effect<string, GearmanError>
 * const told = call.pipe(Effect.catchReason("GearmanError", "DecodeError", ({ what }) => Effect.succeed(`the ${what} is malformed`)))
 * ```
 *
 * @since 0.1.0
 * @category errors
 */
export class DecodeError extends Schema.TaggedError<DecodeError>("effect-gearman/GearmanError/DecodeError")(
  "DecodeError",
  {
    function: Schema.String,
    what: Schema.Literals(["payload", "success", "error", "progress"]),
    cause: Schema.Defect()
  }
) {
  override get message() {
    const detail = this.cause instanceof Error ? this.cause.message : String(this.cause)
    return `the ${this.what} of "${this.function}" does not fit its schema: ${detail}`
  }
}

/**
 * The request cannot be sent as it is: a name, unique, handle or workload that the
 * protocol does not allow. Nothing was sent.
 *
 * @example
 * ```ts
 * import * as Effect from "effect/Effect"
 * import type { GearmanError } from "effect-gearman/GearmanError"
 *
 * declare const call: Effect.Effect<string, GearmanError>
 * const told = call.pipe(Effect.catchReason("GearmanError", "InvalidRequest", ({ field }) => Effect.succeed(`another ${field}, please`)))
 * ```
 *
 * @since 0.1.0
 * @category errors
 */
export class InvalidRequest extends Schema.TaggedError<InvalidRequest>("effect-gearman/GearmanError/InvalidRequest")(
  "InvalidRequest",
  {
    field: Schema.String,
    problem: Schema.String
  }
) {
  override get message() {
    return `the ${this.field} cannot be sent: ${this.problem}`
  }
}

/**
 * The client was closed before the call, or while it waited for a server. Nothing was
 * sent. (A job that was sent and not finished is `Ambiguous`, with this as its cause.)
 *
 * @example
 * ```ts
 * import * as Effect from "effect/Effect"
 * import type { GearmanError } from "effect-gearman/GearmanError"
 *
 * declare const call: Effect.Effect<string, GearmanError>
 * const told = call.pipe(Effect.catchReason("GearmanError", "ClientClosed", () => Effect.interrupt))
 * ```
 *
 * @since 0.1.0
 * @category errors
 */
export class ClientClosed extends Schema.TaggedError<ClientClosed>("effect-gearman/GearmanError/ClientClosed")(
  "ClientClosed",
  {}
) {
  override get message() {
    return "the client was closed; make calls while it is open, and close it after the last one, or connect anew"
  }
}

/**
 * Every way a submission can go wrong.
 *
 * @since 0.1.0
 * @category models
 */
export type Reason =
  | JobFailed
  | JobException
  | Ambiguous
  | NoServer
  | Timeout
  | Refused
  | DecodeError
  | InvalidRequest
  | ClientClosed

/**
 * The client's error. `reason` says what happened; its message is the error's.
 *
 * @example
 * ```ts
 * import * as Client from "effect-gearman/Client"
 * import * as Effect from "effect/Effect"
 * import * as JobFunction from "effect-gearman/JobFunction"
 *
 * const charge = JobFunction.utf8("charge")
 * const program = Effect.gen(function* () {
 *   const client = yield* Client.Client
 *   return yield* client.run(charge, "order 7")
 * }).pipe(Effect.catchReason("GearmanError", "Ambiguous", () => Effect.succeed("look whether order 7 was charged")))
 * ```
 *
 * @since 0.1.0
 * @category errors
 */
export class GearmanError extends Schema.TaggedError<GearmanError>("effect-gearman/GearmanError")("GearmanError", {
  reason: Schema.Union([
    JobFailed,
    JobException,
    Ambiguous,
    NoServer,
    Timeout,
    Refused,
    DecodeError,
    InvalidRequest,
    ClientClosed
  ])
}) {
  override get message() {
    return this.reason.message
  }

  /** The reason's, where it has one: whoever prints this error sees it too. */
  override get cause(): unknown {
    return "cause" in this.reason ? this.reason.cause : undefined
  }
}

/**
 * The error for a reason.
 *
 * @example
 * ```ts
 * import * as GearmanError from "effect-gearman/GearmanError"
 *
 * // For a test of what a program does then.
 * const error = GearmanError.fromReason(new GearmanError.Timeout({ operation: "resize", milliseconds: 5000 }))
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const fromReason = (reason: Reason): GearmanError => new GearmanError({ reason })
