/**
 * The life of jobs: submitted or merged, assigned, put back, ended. Everything that changes
 * a job's state is here, so that counts, queues, deadlines and listeners stay in step.
 *
 * @since 0.1.0
 */
import * as Counters from "./Counters.ts"
import { Deadlines } from "./Deadlines.ts"
import { Functions, type ServerFunction } from "./Functions.ts"
import { Grabs } from "./Grabs.ts"
import type { Handles } from "./Handles.ts"
import { Job, type Priority } from "./Job.ts"
import { JobTable } from "./JobTable.ts"
import { attach, type Attachment, detachAll, failAll } from "./Listeners.ts"
import { Merging } from "./Merging.ts"
import type { Now } from "./Now.ts"
import type { JobObserver } from "./Observer.ts"
import type { Options } from "./Options.ts"
import { type Reason, Refusals } from "./Refusals.ts"
import type { Ability, Session } from "./Session.ts"
import * as Sleepers from "./Sleepers.ts"
import { Workloads } from "./Workloads.ts"

const minProbeMillis = 1_000
const maxProbeMillis = 60_000

/**
 * What a submission asks for.
 *
 * @since 0.1.0
 * @category models
 */
export interface Submission {
  readonly function: ServerFunction
  readonly unique: string
  readonly workload: Uint8Array
  readonly reducer: string | undefined
  readonly priority: Priority
  readonly isBackground: boolean
  /** When it may run, on the wall clock; 0 is at once. */
  readonly dueMillis: number
}

/**
 * All jobs of a server.
 *
 * @since 0.1.0
 * @category models
 */
export class Jobs {
  readonly functions: Functions
  readonly merging: Merging
  readonly handles: Handles
  readonly byNumber: JobTable
  /** Ends of running attempts, on the monotonic clock. */
  readonly attempts = new Deadlines<Job>()
  /** Starts of scheduled jobs, on the wall clock. */
  readonly scheduled = new Deadlines<Job>()
  /** Functions with sleepers left, when the NOOPs sent for them should have been answered. */
  readonly passOns = new Deadlines<ServerFunction>()
  /** Connections that have asked for a job and are not answered yet. */
  readonly grabs = new Grabs(this)
  readonly workloads = new Workloads()
  readonly counters = Counters.make()
  readonly refusals = new Refusals()
  /** Told of each job's life, when somebody wants to know. */
  observer: JobObserver | undefined = undefined
  /** Submissions that wait for a job. */
  attachmentCount = 0
  /** Of all workloads together. */
  workloadBytes = 0
  private readonly workerWakeup: number
  private readonly maxAttempts: number
  private readonly maxJobs: number
  /** The server ends when no job is left, and is to get there: it takes no new ones. */
  isDraining = false
  private readonly maxWorkloadBytes: number
  private readonly wakeupTimeoutMillis: number
  private readonly workerProbeMillis: number
  /** When something was last done, monotonic. */
  nowMillis = 0

  constructor(options: Options, handles: Handles, mergingSeed: number) {
    this.handles = handles
    this.byNumber = new JobTable(handles, options.maxLooseJobs)
    this.merging = new Merging(mergingSeed, this.byNumber)
    this.functions = new Functions(options.maxFunctions, options.maxJobsPerFunction, this.byNumber, this.merging)
    this.workerWakeup = options.workerWakeup
    // 0 attempts would be none at all; gearmand 2.0 reads it as one.
    this.maxAttempts = options.jobRetries < 0 ? Infinity : Math.max(1, options.jobRetries)
    this.maxJobs = options.maxJobs
    this.maxWorkloadBytes = options.maxWorkloadBytes
    this.wakeupTimeoutMillis = options.wakeupTimeoutMillis
    this.workerProbeMillis = options.workerProbeMillis
  }

  /** The limit that a further job of that function, priority and size would exceed. */
  limitFor(fn: ServerFunction, priority: Priority, workloadBytes: number): Reason | undefined {
    const most = fn.maxQueue[priority]
    if (most > 0 && fn.jobCount >= most) return "maxJobsPerFunction"
    if (this.byNumber.size >= this.maxJobs || this.isCrowded) return "maxJobs"
    return this.workloadBytes + workloadBytes > this.maxWorkloadBytes ? "maxWorkloadBytes" : undefined
  }

  /** Whether one client more that waits would be too many. */
  get isCrowded(): boolean {
    return this.attachmentCount >= this.maxJobs
  }

  create(submission: Submission): Job {
    const fn = submission.function
    const number = this.handles.nextNumber()
    const job = new Job(
      number,
      this.handles,
      fn,
      submission.unique,
      submission.workload,
      submission.reducer,
      submission.priority,
      submission.isBackground
    )
    this.byNumber.add(job)
    fn.jobCount++
    this.workloadBytes += submission.workload.length
    this.functions.settle(fn)
    this.counters.submitted++
    this.observer?.submitted(job, false)
    return job
  }

  /** Lets a new job run, at once or when its time comes. */
  start(job: Job, dueMillis: number, now: Now): void {
    if (dueMillis > now.wallMillis) {
      job.state = "scheduled"
      job.function.scheduled[job.priority]++
      this.scheduled.set(job, dueMillis)
    } else this.offer(job)
  }

  attach(job: Job, session: Session): void {
    attach(job, session)
    this.attachmentCount++
  }

  /** A submission joins a job: the job keeps its workload and time, and gains priority if the submission has more. */
  merge(job: Job, priority: Priority, isBackground: boolean): void {
    this.counters.merged++
    this.observer?.submitted(job, true)
    if (isBackground) job.isBackground = true
    if (priority >= job.priority) return
    if (job.state === "queued") {
      this.functions.dequeue(job)
      job.priority = priority
      this.functions.enqueue(job)
    } else if (job.state === "scheduled") {
      job.function.scheduled[job.priority]--
      job.priority = priority
      job.function.scheduled[priority]++
    }
  }

  assign(job: Job, ability: Ability): void {
    const { session } = ability
    this.functions.dequeue(job)
    ability.turn = session.lastTurn()
    job.state = "running"
    job.worker = session
    job.function.runningCount++
    session.running.add(job)
    session.forgetAttempt(job.number)
    if (ability.timeoutMillis > 0) this.attempts.set(job, this.nowMillis + ability.timeoutMillis)
    if (!session.isProbed) this.probe(session, ability.timeoutMillis)
    this.counters.assigned++
    this.observer?.assigned(job)
  }

  /** An attempt is lost: the job goes to the tail of its queue, or it is over. */
  requeue(job: Job): void {
    this.stop(job)
    job.retries++
    job.numerator = 0
    job.denominator = 0
    if (job.isCancelled) this.free(job)
    else if (job.isAbandoned) {
      this.counters.abandoned++
      this.observer?.ended(job, "abandoned")
      this.free(job)
    } else if (job.retries >= this.maxAttempts) {
      this.counters.failed++
      this.observer?.ended(job, "failed")
      failAll(job)
      this.free(job)
    } else {
      this.counters.requeued++
      this.offer(job)
    }
  }

  /** A running attempt has used up its time. */
  timeOut(job: Job): void {
    this.counters.timedOut++
    job.worker!.rememberAttempt(job.number, "timedOut")
    this.requeue(job)
  }

  /** The job is over, whatever state it is in, and its listeners have been told. */
  end(job: Job): void {
    if (job.state === "running") this.stop(job)
    else this.unqueue(job)
    this.free(job)
  }

  /** Listeners hear WORK_FAIL once. A running job stays with its worker until that is done with it. */
  cancel(job: Job): void {
    this.counters.cancelled++
    this.observer?.ended(job, "cancelled")
    failAll(job)
    if (job.state !== "running") return this.end(job)
    this.attachmentCount -= detachAll(job)
    this.merging.remove(job)
    job.isCancelled = true
  }

  /** A client is gone: what nobody else waits for, and nobody was promised, does not run. */
  detach(attachment: Attachment): void {
    const { job } = attachment
    attachment.leaveJob()
    attachment.leaveSession()
    this.attachmentCount--
    if (!job.isAbandoned || job.state === "running") return
    this.counters.abandoned++
    this.observer?.ended(job, "abandoned")
    this.end(job)
  }

  /** Scheduled jobs whose time has come are offered, attempts over their time are lost. */
  timeReached(now: Now): void {
    this.nowMillis = now.monotonicMillis
    let job: Job | undefined
    while ((job = this.scheduled.takeDue(now.wallMillis)) !== undefined) {
      job.function.scheduled[job.priority]--
      this.offer(job)
    }
    while ((job = this.attempts.takeDue(now.monotonicMillis)) !== undefined) this.timeOut(job)
    let fn: ServerFunction | undefined
    while ((fn = this.passOns.takeDue(now.monotonicMillis)) !== undefined) this.passOn(fn)
  }

  /** Wakes sleepers if there is work for them and no NOOP is under way any more. */
  wakeAgain(fn: ServerFunction | undefined): void {
    if (fn === undefined || fn.runnableCount === 0) return
    Sleepers.giveUpWoken(fn, this.nowMillis - this.wakeupTimeoutMillis)
    const oldest = fn.woken.first
    if (oldest === undefined) return this.wake(fn)
    // The wait for whoever was woken last may be over with it, but the others' is not longer for that.
    if (fn.sleepers.size > 0) this.passOns.set(fn, oldest.wokenMillis + this.wakeupTimeoutMillis)
  }

  private offer(job: Job): void {
    job.offeredMillis = this.nowMillis
    this.functions.enqueue(job)
    this.observer?.offered(job)
    if (this.grabs.save(job.function)) return
    this.wake(job.function)
  }

  /** Wakes sleepers for one more job. */
  wake(fn: ServerFunction): void {
    if (fn.sleepers.size > 0) this.counters.noops += Sleepers.wake(fn, this.workerWakeup, this.nowMillis)
    // Those who sleep on are not forgotten: it is their turn if the woken ones stay silent.
    if (fn.sleepers.size > 0 && fn.heapIndex === -1) this.passOns.set(fn, this.nowMillis + this.wakeupTimeoutMillis)
  }

  private passOn(fn: ServerFunction): void {
    if (fn.runnableCount === 0) return
    const before = this.counters.noops
    this.wake(fn)
    if (this.counters.noops > before) this.counters.passedOn++
  }

  /** Once for each connection: to ask anew for each job would cost four system calls. */
  private probe(session: Session, timeoutMillis: number): void {
    if (this.workerProbeMillis === 0 && timeoutMillis === 0) return
    session.isProbed = true
    const byTimeout = Math.min(Math.max(timeoutMillis / 4, minProbeMillis), maxProbeMillis)
    session.peer.probe?.(this.workerProbeMillis > 0 ? this.workerProbeMillis : byTimeout)
  }

  private stop(job: Job): void {
    job.worker!.running.delete(job)
    job.worker = undefined
    job.function.runningCount--
    this.attempts.clear(job)
  }

  private unqueue(job: Job): void {
    if (job.state === "queued") this.functions.dequeue(job)
    else {
      job.function.scheduled[job.priority]--
      this.scheduled.clear(job)
    }
  }

  private free(job: Job): void {
    job.state = "gone"
    this.byNumber.delete(job.number)
    this.merging.remove(job)
    this.attachmentCount -= detachAll(job)
    job.function.jobCount--
    this.workloadBytes -= job.workload.length
    this.workloads.give(job.takeWorkload())
    this.functions.settle(job.function)
  }
}
