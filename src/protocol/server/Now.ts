/**
 * The two readings of a clock that the job server decides by. The state machine never
 * reads a clock; whoever drives it says what time it is.
 *
 * @since 0.1.0
 */

/**
 * Durations are measured on the monotonic reading, which never jumps; SUBMIT_JOB_EPOCH
 * names a time of the wall clock, which may be set.
 *
 * @since 0.1.0
 * @category models
 */
export interface Now {
  readonly monotonicMillis: number
  /** Milliseconds since 1970. */
  readonly wallMillis: number
}
