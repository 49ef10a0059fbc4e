/**
 * What a handler knows of the job it runs, and how it speaks to the job's callers
 * before it is done. Available in every handler as the service `JobContext`.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"

/**
 * The job that the present handler runs.
 *
 * @example
 * ```ts
 * import * as Effect from "effect/Effect"
 * import * as JobContext from "effect-gearman/JobContext"
 * import * as JobFunction from "effect-gearman/JobFunction"
 *
 * const count = JobFunction.utf8("count").toLayer((text) =>
 *   Effect.gen(function* () {
 *     const job = yield* JobContext.JobContext
 *     yield* job.progress(1, 2)
 *     return String(text.length)
 *   })
 * )
 * ```
 *
 * @since 0.1.0
 * @category services
 */
export class JobContext extends Context.Service<
  JobContext,
  {
    /** The handle the job server gave, unique on that server. */
    readonly handle: string
    /** What the submitter said makes the job equal to others; empty when nothing does, or the server did not tell. */
    readonly unique: string
    readonly function: string
    /** The job server this attempt came from, as `host:port`. */
    readonly server: string
    /** The payload's bytes as they came. */
    readonly workload: Uint8Array
    /** Sends a piece of the result to every caller that listens (WORK_DATA). Waits while too much output waits for the server. A piece larger than a packet (64 MiB with the handle) is a defect. */
    readonly data: (bytes: Uint8Array) => Effect.Effect<void>
    /** Sends a warning to every caller that listens (WORK_WARNING), within the same limit. */
    readonly warning: (bytes: Uint8Array) => Effect.Effect<void>
    /** Tells how far the job is (WORK_STATUS); whole numbers from 0 to 4294967295, others are a defect. */
    readonly progress: (numerator: number, denominator: number) => Effect.Effect<void>
  }
>()("effect-gearman/JobContext") {}
