/**
 * A job server that is as simple as can be: one list of jobs, searched from end to end for
 * every question. What each connection reads from the real one must equal what this one
 * says. It wakes every sleeper (`workerWakeup` 0), and knows none of the limits.
 */

export type Priority = "high" | "normal" | "low"
const priorities: ReadonlyArray<Priority> = ["high", "normal", "low"]

export interface Submission {
  readonly function: string
  readonly unique: string
  readonly workload: string
  readonly priority: Priority
  readonly isBackground: boolean
  readonly reducer: string
  /** Seconds from now; 0 is at once. */
  readonly inSeconds: number
}

export type Report = "WORK_DATA" | "WORK_WARNING" | "WORK_STATUS" | "WORK_COMPLETE" | "WORK_FAIL" | "WORK_EXCEPTION"

interface Job {
  readonly number: number
  readonly submission: Submission
  priority: Priority
  isBackground: boolean
  /** One entry for each submission that waits. */
  listeners: Array<number>
  /** Grows with each job that is queued: the lower comes first. */
  place: number
  startsAt: number | undefined
  worker: number | undefined
  assignedAt: number
  endsAt: number | undefined
  lost: number
  progress: readonly [number, number]
  isCancelled: boolean
}

interface Connection {
  /** The next in turn first. */
  abilities: Array<{ readonly function: string; readonly limitMillis: number }>
  sleep: "awake" | "asleep" | "woken"
  wantsExceptions: boolean
  former: Map<number, "timedOut" | "excepted">
  output: Array<string>
}

export class ModelServer {
  private jobs: Array<Job> = []
  private readonly connections = new Map<number, Connection>()
  private readonly functions = new Set<string>()
  private created = 0
  private sequence = 0
  private nowMillis = 0
  private readonly jobRetries: number
  private readonly exceptions: boolean

  constructor(jobRetries: number, exceptions: boolean) {
    this.jobRetries = jobRetries
    this.exceptions = exceptions
  }

  connect(id: number): void {
    this.connections.set(id, {
      abilities: [],
      sleep: "awake",
      wantsExceptions: this.exceptions,
      former: new Map(),
      output: []
    })
  }

  /** What the connection has to read since it was last asked. */
  read(id: number): ReadonlyArray<string> {
    return this.connections.get(id)!.output.splice(0)
  }

  submit(id: number, submission: Submission, startsInMillis: number): void {
    this.functions.add(submission.function)
    const joined = this.jobs.find((job) => this.canJoin(job, submission))
    const job = joined ?? this.add(submission, startsInMillis)
    this.say(id, `JOB_CREATED H:${job.number}`)
    if (!submission.isBackground) job.listeners.push(id)
    if (joined === undefined) {
      if (job.startsAt === undefined) this.enqueue(job)
      return
    }
    job.isBackground ||= submission.isBackground
    if (job.worker !== undefined) return
    if (priorities.indexOf(submission.priority) >= priorities.indexOf(job.priority)) return
    job.priority = submission.priority
    job.place = ++this.sequence
  }

  canDo(id: number, fn: string, limitMillis: number): void {
    this.functions.add(fn)
    const connection = this.connections.get(id)!
    const known = connection.abilities.findIndex((ability) => ability.function === fn)
    const ability = { function: fn, limitMillis }
    if (known >= 0) connection.abilities[known] = ability
    else connection.abilities.unshift(ability)
    if (connection.sleep === "asleep" && this.nextFor(connection) !== undefined) this.wake(id)
  }

  cantDo(id: number, fn: string | undefined): void {
    const connection = this.connections.get(id)!
    connection.abilities = connection.abilities.filter((ability) => fn !== undefined && ability.function !== fn)
  }

  preSleep(id: number): void {
    const connection = this.connections.get(id)!
    if (this.nextFor(connection) === undefined) connection.sleep = "asleep"
    else this.wake(id)
  }

  grab(id: number, kind: "GRAB_JOB" | "GRAB_JOB_UNIQ" | "GRAB_JOB_ALL"): void {
    const connection = this.connections.get(id)!
    connection.sleep = "awake"
    const job = this.nextFor(connection)
    if (job === undefined) return this.say(id, "NO_JOB")
    const { function: fn, reducer, unique, workload } = job.submission
    const index = connection.abilities.findIndex((ability) => ability.function === fn)
    const [ability] = connection.abilities.splice(index, 1)
    connection.abilities.push(ability!)
    job.worker = id
    job.assignedAt = ++this.sequence
    job.endsAt = ability!.limitMillis > 0 ? this.nowMillis + ability!.limitMillis : undefined
    connection.former.delete(job.number)
    const handle = `H:${job.number}`
    if (kind === "GRAB_JOB") this.say(id, `JOB_ASSIGN ${handle}|${fn}|${workload}`)
    else if (kind === "GRAB_JOB_ALL" && reducer !== "") {
      this.say(id, `JOB_ASSIGN_ALL ${handle}|${fn}|${unique}|${reducer}|${workload}`)
    } else this.say(id, `JOB_ASSIGN_UNIQ ${handle}|${fn}|${unique}|${workload}`)
  }

  report(id: number, kind: Report, number: number, text: string): void {
    const { former } = this.connections.get(id)!
    const job = this.jobs.find((other) => other.number === number)
    const handle = `H:${number}`
    if (job?.worker !== id) {
      const before = former.get(number)
      if (before === "excepted" && kind === "WORK_FAIL") return void former.delete(number)
      if (before === "timedOut") {
        if (kind === "WORK_EXCEPTION") former.set(number, "excepted")
        else if (kind === "WORK_COMPLETE" || kind === "WORK_FAIL") former.delete(number)
        if (kind === "WORK_COMPLETE" && job !== undefined && job.worker === undefined) {
          this.tell(job, `WORK_COMPLETE ${handle}|${text}`)
          this.remove(job)
        }
        return
      }
      if (kind === "WORK_DATA" || kind === "WORK_WARNING") {
        return this.say(id, "ERROR JOB_NOT_FOUND|Job does not exist on server")
      }
      if (kind === "WORK_EXCEPTION") {
        return this.say(id, "ERROR JOB_NOT_FOUND|An exception was received for a job that does not exist")
      }
      return this.say(id, "ERROR JOB_NOT_FOUND|Job given in work result not found")
    }
    if (kind === "WORK_STATUS") {
      job.progress = [Number(text), 100]
      return this.tell(job, `WORK_STATUS ${handle}|${text}|100`)
    }
    if (kind === "WORK_EXCEPTION") {
      for (const listener of job.listeners) {
        const { wantsExceptions } = this.connections.get(listener)!
        this.say(listener, wantsExceptions ? `WORK_EXCEPTION ${handle}|${text}` : `WORK_FAIL ${handle}`)
      }
      former.set(number, "excepted")
    } else this.tell(job, kind === "WORK_FAIL" ? `WORK_FAIL ${handle}` : `${kind} ${handle}|${text}`)
    if (kind !== "WORK_DATA" && kind !== "WORK_WARNING") this.remove(job)
  }

  status(id: number, number: number): void {
    const job = this.jobs.find((other) => other.number === number)
    this.say(id, `STATUS_RES H:${number}|${this.facts(job)}`)
  }

  statusUnique(id: number, unique: string): void {
    const job = this.jobs.findLast((other) => unique !== "" && unique !== "-" && this.hasUnique(other, unique))
    this.say(id, `STATUS_RES_UNIQUE ${unique}|${this.facts(job)}|${job?.listeners.length ?? 0}`)
  }

  askForExceptions(id: number): void {
    this.connections.get(id)!.wantsExceptions = true
    this.say(id, "OPTION_RES exceptions")
  }

  cancel(number: number): string {
    const job = this.jobs.find((other) => other.number === number && !other.isCancelled)
    if (job === undefined) return "ERR UNKNOWN_JOB\r\n"
    this.tell(job, `WORK_FAIL H:${number}`)
    job.listeners = []
    job.isCancelled = true
    if (job.worker === undefined) this.remove(job)
    return "OK\r\n"
  }

  /** Rows of `status`, in no particular order. */
  statusRows(): ReadonlyArray<string> {
    return Array.from(this.functions, (fn) => {
      const jobs = this.jobs.filter((job) => job.submission.function === fn)
      const running = jobs.filter((job) => job.worker !== undefined)
      return `${fn}\t${jobs.length}\t${running.length}\t${this.workersOf(fn)}`
    })
  }

  /** Rows of `prioritystatus`, in no particular order. */
  priorityRows(): ReadonlyArray<string> {
    return Array.from(this.functions, (fn) => {
      const waiting = this.jobs.filter((job) => job.submission.function === fn && job.worker === undefined)
      const counts = priorities.map((priority) => waiting.filter((job) => job.priority === priority).length)
      return `${fn}\t${counts.join("\t")}\t${this.workersOf(fn)}`
    })
  }

  disconnect(id: number): void {
    this.connections.delete(id)
    for (const job of [...this.jobs]) {
      job.listeners = job.listeners.filter((listener) => listener !== id)
      if (job.worker === undefined && !job.isBackground && job.listeners.length === 0) this.remove(job)
    }
    const running = this.jobs.filter((job) => job.worker === id)
    for (const job of running.toSorted((one, other) => other.assignedAt - one.assignedAt)) this.lose(job)
  }

  advance(millis: number): void {
    const end = this.nowMillis + millis
    while (true) {
      const times = this.jobs.flatMap((job) => [job.startsAt ?? Infinity, job.endsAt ?? Infinity])
      const next = Math.min(...times)
      if (next > end) break
      this.nowMillis = next
      for (const job of this.jobs.filter((other) => other.startsAt === next)) {
        job.startsAt = undefined
        this.enqueue(job)
      }
      for (const job of this.jobs.filter((other) => other.endsAt === next)) {
        this.connections.get(job.worker!)!.former.set(job.number, "timedOut")
        this.lose(job)
      }
    }
    this.nowMillis = end
  }

  private add(submission: Submission, startsInMillis: number): Job {
    const { isBackground, priority } = submission
    const job: Job = {
      number: ++this.created,
      submission,
      priority,
      isBackground,
      listeners: [],
      place: 0,
      startsAt: startsInMillis > 0 ? this.nowMillis + startsInMillis : undefined,
      worker: undefined,
      assignedAt: 0,
      endsAt: undefined,
      lost: 0,
      progress: [0, 0],
      isCancelled: false
    }
    this.jobs.push(job)
    return job
  }

  private hasUnique(job: Job, unique: string): boolean {
    return !job.isCancelled && job.submission.unique === unique
  }

  private canJoin(job: Job, submission: Submission): boolean {
    const { unique, workload } = submission
    if (job.submission.function !== submission.function || !this.hasUnique(job, unique)) return false
    return unique === "-" ? workload !== "" && job.submission.workload === workload : unique !== ""
  }

  private enqueue(job: Job): void {
    job.place = ++this.sequence
    for (const [id, connection] of this.connections) {
      const isAble = connection.abilities.some((ability) => ability.function === job.submission.function)
      if (isAble && connection.sleep === "asleep") this.wake(id)
    }
  }

  private lose(job: Job): void {
    job.worker = undefined
    job.endsAt = undefined
    job.lost++
    job.progress = [0, 0]
    const isWanted = !job.isCancelled && (job.isBackground || job.listeners.length > 0)
    if (isWanted && (this.jobRetries < 0 || job.lost < Math.max(1, this.jobRetries))) return this.enqueue(job)
    this.tell(job, `WORK_FAIL H:${job.number}`)
    this.remove(job)
  }

  private remove(job: Job): void {
    this.jobs = this.jobs.filter((other) => other !== job)
  }

  private nextFor(connection: Connection): Job | undefined {
    const turnOf = (job: Job) =>
      connection.abilities.findIndex((ability) => ability.function === job.submission.function)
    const ready = this.jobs.filter((job) => job.worker === undefined && job.startsAt === undefined && turnOf(job) >= 0)
    const rank = (job: Job) => priorities.indexOf(job.priority)
    return ready.toSorted(
      (one, other) => rank(one) - rank(other) || turnOf(one) - turnOf(other) || one.place - other.place
    )[0]
  }

  private wake(id: number): void {
    this.connections.get(id)!.sleep = "woken"
    this.say(id, "NOOP")
  }

  private workersOf(fn: string): number {
    const connections = Array.from(this.connections.values())
    return connections.filter(({ abilities }) => abilities.some((ability) => ability.function === fn)).length
  }

  private facts(job: Job | undefined): string {
    if (job === undefined) return "0|0|0|0"
    return `1|${job.worker === undefined ? 0 : 1}|${job.progress.join("|")}`
  }

  private tell(job: Job, packet: string): void {
    for (const listener of job.listeners) this.say(listener, packet)
  }

  private say(id: number, packet: string): void {
    this.connections.get(id)!.output.push(packet)
  }
}
