/**
 * What the differential test knows of the servers' state. It does not predict answers:
 * it learns from those that both servers gave, and serves to tell which commands would
 * lead to a known deviation.
 */
import type { Command } from "./Sequence.ts"

export interface Job {
  readonly function: number
  readonly unique: string
  readonly low: boolean
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
  /** The connection whose WORK_EXCEPTION ended it. */
  failedBy: number | undefined
}

export interface Connection {
  open: boolean
  functions: Set<number>
  sleeping: boolean
}

export class Model {
  readonly jobs: Array<Job> = []
  readonly connections: ReadonlyArray<Connection>
  /** Functions whose state differs from here on, as a named deviation says. */
  readonly parted = new Set<number>()

  constructor(connections: number) {
    this.connections = Array.from({ length: connections }, () => ({ open: false, functions: new Set(), sleeping: false }))
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

  created(index: number, connection: number, command: Command & { readonly _tag: "submit" }): void {
    const background = [18, 32, 34, 36, 38].includes(command.type)
    let job = this.jobs[index]
    if (job === undefined) {
      job = {
        function: command.function,
        unique: command.unique,
        low: command.type === 33 || command.type === 34,
        waiting: command.type === 36 && command.between[0]!.length > 5,
        background,
        promoted: false,
        listeners: [],
        state: "queued",
        worker: undefined,
        abandoned: false,
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
        job.state = "queued"
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
    state.functions.clear()
  }
}
