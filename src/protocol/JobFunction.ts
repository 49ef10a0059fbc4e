/**
 * A function that jobs are submitted for, as client and worker share it: its name,
 * what goes in and comes out, how its bytes look, what makes two submissions equal,
 * and whether running it twice does harm.
 *
 * One definition gives the client's call (`client.run(resize, payload)`) and the
 * worker's handler (`resize.toLayer(handler)`), so the two cannot disagree.
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import { time } from "./connection/Count.ts"
import type { GearmanError } from "./GearmanError.ts"
import { JobContext } from "./JobContext.ts"
import type { Schemas } from "./jobFunction/Description.ts"
import { bytesWire, utf8Wire, wireOf } from "./jobFunction/Wire.ts"
import { type HandlerOptions, type JobFail, Worker } from "./Worker.ts"

export { describe, type Describable, type Description, type Schemas, toMarkdown } from "./jobFunction/Description.ts"

/**
 * Which of two waiting jobs runs first. Between equals the older one does.
 *
 * @since 0.1.0
 * @category models
 */
export type Priority = "high" | "normal" | "low"

/**
 * How values look on the wire: `json` takes any schema; `utf8` wants one that encodes
 * to a string, `bytes` one that encodes to a `Uint8Array`. What a worker in another
 * language understands is `utf8` or `bytes`.
 *
 * @since 0.1.0
 * @category models
 */
export type WireCodec = "json" | "utf8" | "bytes"

/**
 * What makes two submissions equal, so that a job server merges them into one job:
 *
 * - `"none"`: nothing, each submission runs.
 * - `"payload"`: an equal payload. The protocol has the server compare the workloads
 *   (unique `-`); an empty workload never merges.
 * - a function of the payload: an equal text. At most 63 bytes of UTF-8, no NUL, and
 *   the empty text merges with nothing.
 *
 * @since 0.1.0
 * @category models
 */
export type Unique<Payload> = "none" | "payload" | ((payload: Payload) => string)

/**
 * Values to bytes and back.
 *
 * @since 0.1.0
 * @category models
 */
export interface Wire<in out A> {
  readonly encode: (value: A) => Effect.Effect<Uint8Array, Schema.SchemaError>
  readonly decode: (bytes: Uint8Array) => Effect.Effect<A, Schema.SchemaError>
}

/**
 * What a function promises and how it is called.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options<Payload, Error = never> {
  /** What it is for, in words for people: `toMarkdown` puts it on the function's page. */
  readonly description?: string | undefined
  /** What makes two submissions equal. Default: `"none"`. */
  readonly unique?: Unique<Payload> | undefined
  /**
   * True when running it twice does no more than running it once. Only such a job is
   * resubmitted when the connection is lost after it was sent. Default: false.
   */
  readonly idempotent?: boolean | undefined
  /** Default: `"normal"`. */
  readonly priority?: Priority | undefined
  /** How long a caller waits, resubmissions and retries included. Default: for ever. */
  readonly timeout?: Duration.Input | undefined
  /**
   * When `run` submits again after the job failed (`JobFailed`, `JobException` or the
   * function's own error). Default: never.
   */
  readonly retry?: Schedule.Schedule<unknown, GearmanError | Error> | undefined
  /**
   * True to have the caller's span travel with the job, so that client and worker make one
   * trace. Both sides must have it, for it puts a line before the payload: it is nothing
   * for workers in other languages, and nothing for `unique: "payload"`. Default: false.
   */
  readonly trace?: boolean | undefined
}

/**
 * A typed function.
 *
 * @since 0.1.0
 * @category models
 */
export interface JobFunction<
  out Name extends string,
  in out Payload,
  in out Success,
  in out Error = never,
  in out Progress = never
> {
  readonly name: Name
  readonly description: string | undefined
  readonly codec: WireCodec
  readonly schemas: Schemas
  readonly payload: Wire<Payload>
  readonly success: Wire<Success>
  readonly error: Wire<Error> | undefined
  readonly progress: Wire<Progress> | undefined
  readonly unique: Unique<Payload>
  readonly idempotent: boolean
  readonly priority: Priority
  readonly timeout: Duration.Duration | undefined
  readonly trace: boolean
  readonly retry: Schedule.Schedule<unknown, GearmanError | Error> | undefined
  /**
   * A layer that serves the function while it lives. The handler's requirements become
   * the layer's. When the layer is closed, jobs that run are finished first, within the
   * worker's `drainTimeout`.
   */
  readonly toLayer: <R = never>(
    handler: (payload: Payload) => Effect.Effect<Success, Error | JobFail, R>,
    options?: HandlerOptions
  ) => Layer.Layer<never, never, Worker | Exclude<R, JobContext | Scope.Scope>>
  /**
   * Tells the job's callers how far it is, from within a handler: a value of the
   * progress schema, sent as WORK_DATA.
   */
  readonly report: (value: Progress) => Effect.Effect<void, Schema.SchemaError, JobContext>
}

const proto = {
  toLayer<Payload, Success, Error, Progress, R>(
    this: JobFunction<string, Payload, Success, Error, Progress>,
    handler: (payload: Payload) => Effect.Effect<Success, Error | JobFail, R>,
    options?: HandlerOptions
  ) {
    return Layer.effectDiscard(Effect.flatMap(Worker, (worker) => worker.register(this, handler, options)))
  },
  report<Progress>(this: JobFunction<string, never, never, never, Progress>, value: Progress) {
    return this.progress === undefined
      ? Effect.void
      : Effect.flatMap(this.progress.encode(value), (bytes) => Effect.flatMap(JobContext, (job) => job.data(bytes)))
  }
}

const construct = <const Name extends string, Payload, Success, Error, Progress>(
  name: Name,
  wires: {
    readonly payload: Wire<Payload>
    readonly success: Wire<Success>
    readonly error: Wire<Error> | undefined
    readonly progress: Wire<Progress> | undefined
  },
  { codec, schemas }: { readonly codec: WireCodec; readonly schemas: Schemas },
  options: Options<Payload, Error>
): JobFunction<Name, Payload, Success, Error, Progress> => {
  if (typeof name !== "string") throw new TypeError(`a function's name must be a text, not ${String(name)}`)
  if (options.trace === true && options.unique === "payload") {
    // The server would compare the spans too, and never find two payloads equal.
    throw new TypeError(
      `"${name}" cannot have both trace and unique "payload"; give it a unique of the payload instead`
    )
  }
  return Object.assign(Object.create(proto), {
    name,
    description: options.description,
    codec,
    schemas,
    ...wires,
    unique: options.unique ?? "none",
    idempotent: options.idempotent ?? false,
    priority: options.priority ?? "normal",
    timeout: options.timeout === undefined ? undefined : time(`${name}'s timeout`, options.timeout),
    trace: options.trace ?? false,
    retry: options.retry
  })
}

/** Of the functions without schemas of their own. */
const plain = (codec: WireCodec, schema: Schema.Top) => ({
  codec,
  schemas: { payload: schema, success: schema, error: undefined, progress: undefined }
})
const plainBytes = plain("bytes", Schema.Uint8Array)
const plainText = plain("utf8", Schema.String)

/** What a codec's schemas must encode to. */
type EncodedBy<Codec extends WireCodec> = Codec extends "json" ? unknown : Codec extends "utf8" ? string : Uint8Array

/**
 * A function with schemas.
 *
 * The name has at most 512 bytes of UTF-8 and no NUL (Gearman protocol, CAN_DO). A
 * failure of the handler with a value of `error` travels as WORK_EXCEPTION and is the
 * caller's typed error again; without `error` a handler can only fail by `JobFail`.
 *
 * @example
 * ```ts
 * import * as JobFunction from "effect-gearman/JobFunction"
 * import * as Schema from "effect/Schema"
 *
 * const resize = JobFunction.make("resize", {
 *   payload: Schema.Struct({ file: Schema.String, width: Schema.Int }),
 *   success: Schema.Struct({ bytes: Schema.Int }),
 *   error: Schema.Struct({ _tag: Schema.tag("NoSuchFile"), file: Schema.String }),
 *   unique: (payload) => `${payload.file}@${payload.width}`,
 *   idempotent: true,
 *   timeout: "30 seconds"
 * })
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = <
  const Name extends string,
  Payload,
  Success,
  Error = never,
  Progress = never,
  Codec extends WireCodec = "json"
>(
  name: Name,
  options: {
    readonly payload: Schema.Codec<Payload, EncodedBy<Codec>>
    readonly success: Schema.Codec<Success, EncodedBy<Codec>>
    readonly error?: Schema.Codec<Error, EncodedBy<Codec>> | undefined
    readonly progress?: Schema.Codec<Progress, EncodedBy<Codec>> | undefined
    readonly codec?: Codec | undefined
  } & Options<Payload, Error>
): JobFunction<Name, Payload, Success, Error, Progress> => {
  const codec = options.codec ?? "json"
  return construct(
    name,
    {
      payload: wireOf(options.payload, codec),
      success: wireOf(options.success, codec),
      error: options.error === undefined ? undefined : wireOf(options.error, codec),
      progress: options.progress === undefined ? undefined : wireOf(options.progress, codec)
    },
    {
      codec,
      schemas: { payload: options.payload, success: options.success, error: options.error, progress: options.progress }
    },
    options
  )
}

/**
 * A function of bytes to bytes, to talk to clients and workers in any language.
 *
 * @example
 * ```ts
 * import * as JobFunction from "effect-gearman/JobFunction"
 *
 * const wc = JobFunction.bytes("wc", { idempotent: true })
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const bytes = <const Name extends string>(
  name: Name,
  options: Options<Uint8Array> = {}
): JobFunction<Name, Uint8Array, Uint8Array> =>
  construct(
    name,
    { payload: bytesWire, success: bytesWire, error: undefined, progress: undefined },
    plainBytes,
    options
  )

/**
 * A function of text to text, as UTF-8; malformed sequences become U+FFFD.
 *
 * @example
 * ```ts
 * import * as Effect from "effect/Effect"
 * import * as JobFunction from "effect-gearman/JobFunction"
 *
 * const reverse = JobFunction.utf8("reverse", { unique: "payload", idempotent: true })
 * const reverseLive = reverse.toLayer((text) => Effect.succeed([...text].reverse().join("")))
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const utf8 = <const Name extends string>(
  name: Name,
  options: Options<string> = {}
): JobFunction<Name, string, string> =>
  construct(name, { payload: utf8Wire, success: utf8Wire, error: undefined, progress: undefined }, plainText, options)
