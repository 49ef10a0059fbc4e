/**
 * Functions that share their connections. Whoever asks a server for a job may be given one
 * of any function that the connection serves. So a function that may run fewer jobs at
 * once than the worker has a lane to itself, over which no more are asked for than it may
 * run, and only while a handler is free for each; it then holds none that it cannot run,
 * and never keeps others from their slots. All other functions share one lane.
 */
import type { Running } from "./Crew.ts"

/** A function that is served. */
export interface Registration {
  readonly lane: Lane
  /** One character per byte. */
  readonly name: string
  /** CAN_DO or CAN_DO_TIMEOUT. */
  readonly announcement: Uint8Array
  /** CANT_DO. */
  readonly withdrawal: Uint8Array
  /** The servers give its jobs away after a time, perhaps to us. */
  readonly isTimed: boolean
  /** Starts a job; `Crew.finished` is called when it has ended, however it ends. */
  readonly start: (run: Running) => void
}

export class Lane {
  readonly functions = new Map<string, Registration>()
  /** Jobs that may still be asked for. */
  free: number
  /**
   * Functions that come to their end. While there are any, no jobs are asked for: each
   * could be theirs.
   */
  draining = 0

  /** It is one function's. */
  readonly isOwn: boolean

  constructor(limit: number) {
    this.free = limit
    this.isOwn = limit !== Infinity
  }

  get wantsJobs(): boolean {
    return this.free > 0 && this.draining === 0 && this.functions.size > 0
  }
}
