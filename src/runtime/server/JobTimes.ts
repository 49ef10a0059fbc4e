/**
 * What metrics know of each function: submissions, endings, and how long jobs waited and
 * ran. Fed by the job server's observer, synchronously and cheaply.
 */
import * as Metric from "effect/Metric"
import * as Context from "effect/Context"
import type { Job, Priority } from "../../protocol/server/Job.ts"
import type { JobObserver, Outcome } from "../../protocol/server/Observer.ts"

/** The priorities by their numbers. */
export const priorityNames = ["high", "normal", "low"] as const

/** Every way a job can end. */
export const outcomes: ReadonlyArray<Outcome> = ["completed", "failed", "exception", "cancelled", "abandoned"]

/** From a millisecond to half an hour, each a little over three times the one before. */
const boundaries = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300, 1_000, 1_800]

/**
 * Functions that get labels of their own. A flood of names must not become a flood of
 * time series; the later ones share the label `other`.
 */
const maxLabels = 1_000
export const otherLabel = "other"

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })

/** Between two looks for labels that nobody needs: each looks at all. */
const lookMillis = 1_000

/** What would be taken for a byte that was written out. */
const looksWritten = /\\(?=x(?:[89a-f][\da-f]|5c))/g

/**
 * A function's name for people, of its key, which has one character per byte. Names are UTF-8
 * by convention; in those that are not, the bytes above ASCII are told as \xff, and a backslash
 * that stands before the like by itself as \x5c, so that two names stay two.
 */
export const labelOf = (key: string): string => {
  const plain = key.replace(looksWritten, "\\x5c")
  try {
    return utf8.decode(Buffer.from(plain, "latin1"))
  } catch {
    return plain.replace(/[\x80-\xff]/g, (byte) => `\\x${byte.charCodeAt(0).toString(16)}`)
  }
}

/** Counts of one function, by priority. */
export class FunctionTimes {
  readonly foreground = [0, 0, 0]
  readonly background = [0, 0, 0]
  merged = 0
  requeued = 0
  readonly running = [0, 0, 0]
  readonly outcomes: Record<Outcome, number> = { completed: 0, failed: 0, exception: 0, cancelled: 0, abandoned: 0 }
  readonly label: string
  readonly wait: ReadonlyArray<Metric.Metric<number, unknown>>
  readonly run: ReadonlyArray<Metric.Metric<number, unknown>>

  constructor(label: string) {
    this.label = label
    const histogram = (name: string, description: string) =>
      priorityNames.map((priority) =>
        Metric.withAttributes(Metric.histogram(name, { description, boundaries }), { function: label, priority })
      )
    this.wait = histogram("gearman_job_wait_seconds", "Time from when a job could run until a worker took it")
    this.run = histogram("gearman_job_run_seconds", "Time from when a worker took a job until its end")
  }

  /** Nothing has happened to a job of it. */
  get isEmpty(): boolean {
    return [...this.foreground, ...this.background, this.merged, ...Object.values(this.outcomes)].every((n) => n === 0)
  }

  /** Counts what another has counted; the histograms are not touched. */
  add(one: FunctionTimes): void {
    for (const counts of ["foreground", "background", "running"] as const)
      for (const at of priorityNames.keys()) this[counts][at]! += one[counts][at]!
    this.merged += one.merged
    this.requeued += one.requeued
    for (const outcome of outcomes) this.outcomes[outcome] += one.outcomes[outcome]
  }
}

/** One that runs. */
interface Attempt {
  readonly priority: Priority
  readonly assignedMillis: number
}

/** Follows all jobs of a server. */
export class JobTimes implements JobObserver {
  /** The histograms live here. */
  readonly registry = Context.make(Metric.MetricRegistry, new Map())
  private readonly byFunction = new Map<string, FunctionTimes>()
  /** By the job's number. */
  private readonly attempts = new Map<number, Attempt>()
  private readonly nowMillis: () => number
  private readonly isNeeded: (key: string) => boolean
  private nextLookMillis = Number.NEGATIVE_INFINITY

  /**
   * With the server's own clock, by which jobs know when they were offered, and whether a
   * function has jobs or workers.
   */
  constructor(nowMillis: () => number, isNeeded: (key: string) => boolean) {
    this.nowMillis = nowMillis
    this.isNeeded = isNeeded
  }

  /** Of every function that ever had a job. */
  get functions(): Iterable<FunctionTimes> {
    return this.byFunction.values()
  }

  of(name: string): FunctionTimes {
    const known = this.byFunction.get(name)
    if (known !== undefined) return known
    if (this.byFunction.size >= maxLabels && name !== otherLabel && !this.makeRoom()) return this.of(otherLabel)
    const times = new FunctionTimes(labelOf(name))
    this.byFunction.set(name, times)
    return times
  }

  /** The function's label, which is made once where it has one of its own. */
  labelOf(key: string): string {
    return this.byFunction.get(key)?.label ?? labelOf(key)
  }

  /** Counts what nobody needs any more under `other`, and tells whether there is room for one more. */
  private makeRoom(): boolean {
    const nowMillis = this.nowMillis()
    if (nowMillis < this.nextLookMillis) return false
    this.nextLookMillis = nowMillis + lookMillis
    const other = this.of(otherLabel)
    const gone = new Set<string>()
    for (const [key, times] of this.byFunction) {
      if (times === other || this.isNeeded(key)) continue
      this.byFunction.delete(key)
      other.add(times)
      gone.add(times.label)
    }
    const histograms = Context.get(this.registry, Metric.MetricRegistry)
    for (const [key, { attributes }] of histograms) {
      if (gone.has(attributes?.["function"] ?? "")) histograms.delete(key)
    }
    return this.byFunction.size < maxLabels
  }

  submitted = (job: Job, isMerged: boolean): void => {
    const times = this.of(job.function.key)
    if (isMerged) times.merged++
    else (job.isBackground ? times.background : times.foreground)[job.priority]!++
  }

  offered = (job: Job): void => {
    const lost = this.attempts.get(job.number)
    if (lost === undefined) return
    this.attempts.delete(job.number)
    const times = this.of(job.function.key)
    times.requeued++
    times.running[lost.priority]!--
  }

  assigned = (job: Job): void => {
    const { priority } = job
    const times = this.of(job.function.key)
    const assignedMillis = this.nowMillis()
    this.attempts.set(job.number, { priority, assignedMillis })
    times.running[priority]!++
    times.wait[priority]!.updateUnsafe((assignedMillis - job.offeredMillis) / 1_000, this.registry)
  }

  ended = (job: Job, outcome: Outcome): void => {
    if (job.isCancelled) return
    const times = this.of(job.function.key)
    times.outcomes[outcome]++
    const attempt = this.attempts.get(job.number)
    if (attempt === undefined) return
    this.attempts.delete(job.number)
    times.running[attempt.priority]!--
    const seconds = (this.nowMillis() - attempt.assignedMillis) / 1_000
    times.run[attempt.priority]!.updateUnsafe(seconds, this.registry)
  }
}
