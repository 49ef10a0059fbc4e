/**
 * One job: an accepted submission, with everything that was merged into it. It is queued,
 * or scheduled for later, or running, and then it is gone; nothing remembers finished jobs.
 *
 * @since 0.1.0
 */
import type { Waiting } from "./Bundle.ts"
import type { Timed } from "./Deadlines.ts"
import type { Linked } from "./Fifo.ts"
import type { ServerFunction } from "./Functions.ts"
import type { Handles } from "./Handles.ts"
import type { Attachment } from "./Listeners.ts"
import type { Session } from "./Session.ts"

/**
 * 0 is high, 1 is normal, 2 is low.
 *
 * @since 0.1.0
 * @category models
 */
export type Priority = 0 | 1 | 2

/**
 * Where a job is in its life.
 *
 * @since 0.1.0
 * @category models
 */
export type JobState = "queued" | "scheduled" | "running" | "gone"

const none = new Uint8Array(0)

/**
 * A job. Its bytes are its own and never change; names are strings with one character per
 * byte, which take a fifth of what small byte arrays do.
 *
 * @since 0.1.0
 * @category models
 */
export class Job implements Linked<Waiting>, Timed {
  readonly number: number
  private readonly handles: Handles
  readonly function: ServerFunction
  readonly unique: string
  workload: Uint8Array
  /** Present on SUBMIT_REDUCE_JOB with a reducer that is not empty. */
  readonly reducer: string | undefined
  /** How other submissions find this one; `undefined` when none may join, or none any more. */
  mergeKey: string | number | undefined = undefined
  priority: Priority
  /** Somebody was promised that it runs, whether or not anyone listens. */
  isBackground: boolean
  state: JobState = "queued"
  /** Told to be gone while it ran: its worker may finish, and nobody hears of it. */
  isCancelled = false
  worker: Session | undefined = undefined
  /** Attempts that were lost. */
  retries = 0
  numerator = 0
  denominator = 0
  readonly listeners: Array<Attachment> = []

  previous: Waiting | undefined = undefined
  next: Waiting | undefined = undefined

  /** Since when it may run, or might the last time (monotonic). */
  offeredMillis = 0
  /** End of the running attempt (monotonic), or start of a scheduled job (wall clock). */
  dueMillis = 0
  heapIndex = -1

  constructor(
    number: number,
    handles: Handles,
    fn: ServerFunction,
    unique: string,
    workload: Uint8Array,
    reducer: string | undefined,
    priority: Priority,
    isBackground: boolean
  ) {
    this.number = number
    this.handles = handles
    this.function = fn
    this.unique = unique
    this.workload = workload
    this.reducer = reducer
    this.priority = priority
    this.isBackground = isBackground
  }

  /** One character per byte. */
  get handle(): string {
    return this.handles.textOf(this.number)
  }

  get handleBytes(): number {
    return this.handles.bytesOf(this.number)
  }

  writeHandle(into: Uint8Array, at: number): void {
    this.handles.write(into, at, this.number)
  }

  /** Gives its workload up, since the job is over. */
  takeWorkload(): Uint8Array {
    const { workload } = this
    this.workload = none
    return workload
  }

  /** Nobody waits for it and nobody was promised anything. */
  get isAbandoned(): boolean {
    return !this.isBackground && this.listeners.length === 0
  }
}
