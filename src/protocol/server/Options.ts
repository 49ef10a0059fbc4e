/**
 * What can be set on a job server, with the default of each and the reason for it.
 * Sizes are in bytes, times in milliseconds.
 *
 * @since 0.1.0
 */
import type { Rule } from "./Access.ts"

/**
 * Settings of a job server.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /**
   * Attempts a job gets before its listeners are told WORK_FAIL: `N >= 1` is N
   * attempts in all, 0 means one, -1 means no limit. An attempt is lost when its
   * worker disconnects or runs into its CAN_DO_TIMEOUT.
   */
  readonly jobRetries: number
  /** How many sleeping workers a new job wakes; 0 wakes all that can do it. */
  readonly workerWakeup: number
  /** Forward WORK_EXCEPTION to every client, as if each had asked for it by OPTION_REQ. */
  readonly exceptions: boolean
  /**
   * What handles start with; the counter after it then starts at 1. Without it, handles
   * get a prefix drawn at start and a counter of constant width, so that they differ
   * across restarts and none is the beginning of another. At most 52 bytes and without
   * NUL, space or `//`: clients keep 63 bytes of a handle and split texts at these.
   */
  readonly jobHandlePrefix?: string | undefined
  /** Whether the text commands `shutdown` and `shutdown graceful` do anything. */
  readonly allowShutdown: boolean
  /** Whether the text command `cancel job` does anything. */
  readonly allowCancel: boolean
  /**
   * Who may do what. Without rules everybody may do everything, as in gearmand; with them,
   * only what one of them allows.
   */
  readonly accessRules?: ReadonlyArray<Rule> | undefined
  /** What the text command `version` answers. */
  readonly version: string
  /** What the text command `verbose` answers. */
  readonly verbose: string
  /** What the text command `getpid` answers. */
  readonly processId: number
  /** Largest packet body. gearmand has no limit; a header alone made it reserve 4 GiB. */
  readonly maxPacketBytes: number
  /** Longest line of the text protocol; 8,192 in gearmand. */
  readonly maxLineBytes: number
  /** Most words of a text command; 5 in gearmand. */
  readonly maxLineWords: number
  /** Longest function name; libgearman's own limit is 512. */
  readonly maxFunctionBytes: number
  /** Longest unique; 64 in the protocol. */
  readonly maxUniqueBytes: number
  /** A longer client id is cut, as gearmand cuts it at 127. */
  readonly maxClientIdBytes: number
  /** Most jobs that exist at a time, and most clients that wait for one. */
  readonly maxJobs: number
  /**
   * Jobs up to which each is an object of its own. Beyond that, small background jobs are
   * packed into bytes while they wait: that costs about 1 µs each, and spares the garbage
   * collector.
   */
  readonly maxLooseJobs: number
  /**
   * Most jobs of one function, in any state, where the text command `maxqueue` has set no
   * other limit; 0 is none.
   */
  readonly maxJobsPerFunction: number
  /** Most bytes that the workloads of all jobs may have together. */
  readonly maxWorkloadBytes: number
  /**
   * Most functions that exist at a time. One without workers and jobs stays listed, as in
   * gearmand, until its place is needed.
   */
  readonly maxFunctions: number
  /** Most functions that one connection may offer to do. */
  readonly maxFunctionsPerConnection: number
  /** Most connections at a time; one too many is closed at once. */
  readonly maxConnections: number
  /**
   * A connection that has this much output waiting when more comes is cut: one packet of
   * any size always fits.
   */
  readonly maxOutputBytes: number
  /** Reading from a connection pauses while this much output waits for its peer. */
  readonly pauseAboveBytes: number
  /**
   * A connection that has sent no whole packet or line for this long is closed, unless it
   * is a worker or waits for a job; 0 is never.
   */
  readonly idleTimeoutMillis: number
  /**
   * How long a woken worker may take to ask for a job before the next sleeper is woken too.
   * A live one answers within a round trip; to be wrong costs one NOOP and one NO_JOB.
   */
  readonly wakeupTimeoutMillis: number
  /**
   * Silence after which a worker that has been given a job is asked whether its machine is
   * still there; 0 asks only those whose function has a timeout. Then after a quarter of the
   * timeout, and at the latest after a minute.
   */
  readonly workerProbeMillis: number
}

/**
 * The defaults. Where gearmand 2.0 has the setting, its default is kept.
 *
 * @since 0.1.0
 * @category constants
 */
export const defaults: Options = {
  jobRetries: -1,
  workerWakeup: 0,
  exceptions: false,
  jobHandlePrefix: undefined,
  allowShutdown: false,
  allowCancel: false,
  accessRules: undefined,
  version: "effect-gearman 0.1.0",
  verbose: "ERROR",
  processId: 0,
  maxPacketBytes: 64 * 1024 * 1024,
  maxLineBytes: 8192,
  maxLineWords: 5,
  maxFunctionBytes: 512,
  maxUniqueBytes: 64,
  maxClientIdBytes: 127,
  maxJobs: 4_000_000,
  maxLooseJobs: 4096,
  maxJobsPerFunction: 0,
  maxWorkloadBytes: 4 * 1024 * 1024 * 1024,
  maxFunctions: 100_000,
  maxFunctionsPerConnection: 10_000,
  maxConnections: 100_000,
  maxOutputBytes: 64 * 1024 * 1024,
  pauseAboveBytes: 1024 * 1024,
  idleTimeoutMillis: 0,
  wakeupTimeoutMillis: 1000,
  workerProbeMillis: 0
}
