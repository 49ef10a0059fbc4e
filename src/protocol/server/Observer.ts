/**
 * Whoever wants to know what happens to each job, at the moment it happens: metrics. The
 * server decides nothing by it, and without one it costs nothing.
 *
 * @since 0.1.0
 */
import type { Job } from "./Job.ts"

/**
 * How a job's life ended.
 *
 * @since 0.1.0
 * @category models
 */
export type Outcome = "completed" | "failed" | "exception" | "cancelled" | "abandoned"

/**
 * Called synchronously, after the state has changed. Must neither keep the job nor throw: a
 * job that waits may be another object the next time. Its number stays.
 *
 * @since 0.1.0
 * @category models
 */
export interface JobObserver {
  /** A submission made the job, or joined it. */
  readonly submitted: (job: Job, isMerged: boolean) => void
  /** The job may be given to a worker from now on; again after each lost attempt. */
  readonly offered: (job: Job) => void
  readonly assigned: (job: Job) => void
  /**
   * Nobody will hear of the job any more. One that was cancelled while it ran is told of
   * at once, and again when its worker is done with it; `isCancelled` is then set.
   */
  readonly ended: (job: Job, outcome: Outcome) => void
}
