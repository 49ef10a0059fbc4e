/**
 * What the differential test knows of the servers' state. It does not predict answers:
 * it learns from those that both servers gave, and serves to tell which commands would
 * lead to a known deviation.
 */
import type { Command } from "./Sequence.ts"

/** 0 is high, 1 normal, 2 low. */
export type Priority = 0 | 1 | 2

export const priorityOf = (type: number): Priority =>
  type === 21 || type === 32 ? 0 : type === 33 || type === 34 ? 2 : 1

export interface Job {
  readonly function: number
  readonly unique: string
  readonly workload: string
  readonly priority: Priority
  /** Due in the far future. */
  readonly waiting: boolean
  /** A background submission created it or joined it. */
  background: boolean
  /** A background submission joined a foreground job. */
  promoted: boolean
  /** One entry per attachment. */
  listeners: Array<number>
  state: "queued" | "running" | "gone"
  worker: number | undefined
  /** All who listened have left while it ran. */
  abandoned: boolean
  /** How many attempts were lost with their worker. */
  lostAttempts: number
  /** The connection whose WORK_EXCEPTION ended it. */
  failedBy: number | undefined
}

export interface Connection {
  open: boolean
  functions: Set<number>
  sleeping: boolean
  /** A job sent it a NOOP, and it has not grabbed since. */
  woken: boolean
}

export class Model {
  readonly jobs: Array<Job> = []
  readonly connections: ReadonlyArray<Connection>
  /** Functions whose state differs from here on, as a named deviation says. */
  readonly parted = new Set<number>()

  private readonly maxAttempts: number

  constructor(connections: number, maxAttempts: number) {
    this.maxAttempts = maxAttempts
    this.connections = Array.from({ length: connections }, () => ({
      open: false,
      functions: new Set(),
      sleeping: false,
      woken: false
    }))
  }

  live(): ReadonlyArray<Job> {
    return this.jobs.filter((job) => job.state !== "gone")
  }

  running(connection: number): ReadonlyArray<number> {
    return [...this.jobs.keys()].filter((index) => this.jobs[index]!.worker === connection)
  }

  /** The job a command names, as its number in order of creation. */
  jobOf(connection: number, command: Command): number | undefined {
    if (command._tag === "work" && command.own) {
      const own = this.running(connection)
      return own.length === 0 ? undefined : own[command.job % own.length]
    }
    if (command._tag !== "work" && command._tag !== "getStatus" && command._tag !== "text") return undefined
    return command.job === undefined || this.jobs.length === 0 ? undefined : command.job % this.jobs.length
  }

  /** The live job a submission joins. */
  joined({ function: functionIndex, unique, workload }: Command & { readonly _tag: "submit" }): Job | undefined {
    if (unique === "" || (unique === "-" && workload === "")) return undefined
    return this.live().find(
      (job) => job.function === functionIndex && job.unique === unique && (unique !== "-" || job.workload === workload)
    )
  }

  created(index: number, connection: number, command: Command & { readonly _tag: "submit" }): void {
    const background = [18, 32, 34, 36, 38].includes(command.type)
    let job = this.jobs[index]
    if (job === undefined) {
      job = {
        function: command.function,
        unique: command.unique,
        workload: command.workload,
        priority: priorityOf(command.type),
        waiting: command.type === 36 && command.between[0]!.length > 5,
        background,
        promoted: false,
        listeners: [],
        state: "queued",
        worker: undefined,
        abandoned: false,
        lostAttempts: 0,
        failedBy: undefined
      }
      this.jobs[index] = job
    } else if (background && !job.background) {
      job.background = true
      job.promoted = true
    }
    if (!background) job.listeners.push(connection)
  }

  assigned(index: number, connection: number): void {
    const job = this.jobs[index]!
    job.state = "running"
    job.worker = connection
  }

  ended(index: number, type: number): void {
    const job = this.jobs[index]!
    job.state = "gone"
    if (type === 25) job.failedBy = job.worker
    job.worker = undefined
  }

  cancelled(index: number): void {
    this.parted.add(this.jobs[index]!.function)
  }

  closed(connection: number): void {
    for (const job of this.live()) {
      if (job.worker === connection) {
        job.worker = undefined
        job.state = ++job.lostAttempts >= this.maxAttempts ? "gone" : "queued"
      }
      if (!job.listeners.includes(connection)) continue
      job.listeners = job.listeners.filter((listener) => listener !== connection)
      if (job.listeners.length > 0) continue
      if (job.state === "queued") this.parted.add(job.function)
      else job.abandoned = true
    }
    const state = this.connections[connection]!
    state.open = false
    state.sleeping = false
    state.woken = false
    state.functions.clear()
  }
}
