/**
 * What has happened since the server started, counted. Metrics and dashboards read these;
 * the server itself decides nothing by them.
 *
 * @since 0.1.0
 */

/**
 * Counts since the start.
 *
 * @since 0.1.0
 * @category models
 */
export interface Counters {
  connections: number
  packets: number
  lines: number
  /** Submissions that made a job. */
  submitted: number
  /** Submissions that joined a job. */
  merged: number
  assigned: number
  completed: number
  failed: number
  exceptions: number
  /** Jobs put back because their worker left or ran out of time. */
  requeued: number
  /** Attempts that ran into their CAN_DO_TIMEOUT. */
  timedOut: number
  cancelled: number
  /** Jobs dropped because nobody waited for them any more. */
  abandoned: number
  noops: number
  /** Wake-ups that went on to the next sleeper because nobody came. */
  passedOn: number
  /** Functions found with work, an able sleeper, and no NOOP under way: must stay 0. */
  missedWakeups: number
  /** ERROR packets sent. */
  errors: number
  /** Connections cut because they did not read what they had asked for. */
  cut: number
  /** Connections closed because what they sent was no Gearman, or over a limit. */
  malformed: number
  /** Connections turned away because there were too many. */
  refused: number
}

/**
 * All zero.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (): Counters => ({
  connections: 0,
  packets: 0,
  lines: 0,
  submitted: 0,
  merged: 0,
  assigned: 0,
  completed: 0,
  failed: 0,
  exceptions: 0,
  requeued: 0,
  timedOut: 0,
  cancelled: 0,
  abandoned: 0,
  noops: 0,
  passedOn: 0,
  missedWakeups: 0,
  errors: 0,
  cut: 0,
  malformed: 0,
  refused: 0
})
