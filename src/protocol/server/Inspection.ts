/**
 * Looking at a job server from outside: a snapshot as plain data, which can be compared,
 * hashed and shown; and the invariants that hold between any two packets, checked the slow
 * way, by recounting everything.
 *
 * @since 0.1.0
 */
import * as Codec from "../Codec.ts"
import type { Job, JobState, Priority } from "./Job.ts"
import type { Jobs } from "./Jobs.ts"
import type { Session, Sleep } from "./Session.ts"

/**
 * A job, as plain data. Connections are given by their numbers.
 *
 * @since 0.1.0
 * @category models
 */
export interface JobSnapshot {
  readonly handle: string
  readonly function: string
  readonly unique: string
  readonly priority: Priority
  readonly state: JobState
  readonly isBackground: boolean
  readonly isCancelled: boolean
  readonly retries: number
  readonly numerator: number
  readonly denominator: number
  readonly workloadBytes: number
  /** End of the attempt (monotonic clock) or start of the scheduled job (wall clock), if there is one. */
  readonly dueMillis: number | undefined
  readonly worker: number | undefined
  readonly listeners: ReadonlyArray<number>
}

/**
 * A function, as plain data; jobs by their handles, in the order they will be served.
 *
 * @since 0.1.0
 * @category models
 */
export interface FunctionSnapshot {
  readonly name: string
  readonly queued: readonly [ReadonlyArray<string>, ReadonlyArray<string>, ReadonlyArray<string>]
  readonly scheduled: number
  readonly running: number
  readonly workers: ReadonlyArray<number>
  /** Those who are to be woken, in that order. */
  readonly sleepers: ReadonlyArray<number>
  readonly awaitedNoops: number
  readonly isIdle: boolean
}

/**
 * A connection, as plain data.
 *
 * @since 0.1.0
 * @category models
 */
export interface SessionSnapshot {
  readonly number: number
  readonly clientId: string
  readonly sleep: Sleep
  readonly wantsExceptions: boolean
  /** In the order of their turns. */
  readonly functions: ReadonlyArray<string>
  readonly running: ReadonlyArray<string>
  readonly attachments: number
  readonly formerAttempts: number
}

/**
 * How much of everything there is. With no connections and no jobs, all are zero except
 * `functions`: idle ones stay listed, as in gearmand, and `idleFunctions` then equals it.
 *
 * @since 0.1.0
 * @category models
 */
export interface Counts {
  readonly jobs: number
  readonly sessions: number
  readonly functions: number
  readonly idleFunctions: number
  /** Queues that are not empty. */
  readonly queues: number
  readonly mergeKeys: number
  readonly attachments: number
  readonly workloadBytes: number
  readonly attemptDeadlines: number
  readonly scheduledDeadlines: number
  readonly lingering: number
  readonly awaitedNoops: number
}

/**
 * The whole state, as plain data.
 *
 * @since 0.1.0
 * @category models
 */
export interface Snapshot {
  readonly jobs: ReadonlyArray<JobSnapshot>
  readonly functions: ReadonlyArray<FunctionSnapshot>
  readonly sessions: ReadonlyArray<SessionSnapshot>
  readonly counts: Counts
}

/**
 * What is looked at.
 *
 * @since 0.1.0
 * @category models
 */
export interface Inspected {
  readonly jobs: Jobs
  readonly sessions: ReadonlySet<Session>
  readonly lingeringCount: number
}

const handleOf = (job: Job): string => job.handle

const byNumber = (one: number, other: number): number => one - other

const functionsOf = (session: Session): Array<string> =>
  Array.from(session.abilities.values())
    .sort((one, other) => one.turn - other.turn)
    .map((ability) => ability.function.key)

const countsOf = ({ jobs, lingeringCount, sessions }: Inspected): Counts => {
  let awaitedNoops = 0
  for (const fn of jobs.functions.values()) awaitedNoops += fn.woken.size
  return {
    jobs: jobs.byNumber.size,
    sessions: sessions.size,
    functions: jobs.functions.size,
    idleFunctions: jobs.functions.idleCount,
    queues: jobs.functions.withWorkCount,
    mergeKeys: jobs.merging.size,
    attachments: jobs.attachmentCount,
    workloadBytes: jobs.workloadBytes,
    attemptDeadlines: jobs.attempts.size,
    scheduledDeadlines: jobs.scheduled.size,
    lingering: lingeringCount,
    awaitedNoops
  }
}

/**
 * The state as plain data. Costs as much as there is state.
 *
 * @since 0.1.0
 * @category operations
 */
export const snapshot = (server: Inspected): Snapshot => ({
  jobs: Array.from(server.jobs.byNumber.values(), (job) => ({
    handle: handleOf(job),
    function: job.function.key,
    unique: job.unique,
    priority: job.priority,
    state: job.state,
    isBackground: job.isBackground,
    isCancelled: job.isCancelled,
    retries: job.retries,
    numerator: job.numerator,
    denominator: job.denominator,
    workloadBytes: job.workload.length,
    dueMillis: job.heapIndex === -1 ? undefined : job.dueMillis,
    worker: job.worker?.number,
    listeners: job.listeners.map((attachment) => attachment.session.number).sort(byNumber)
  })),
  functions: Array.from(server.jobs.functions.values(), (fn) => ({
    name: fn.key,
    queued: [
      Array.from(fn.queues[0], handleOf),
      Array.from(fn.queues[1], handleOf),
      Array.from(fn.queues[2], handleOf)
    ] as const,
    scheduled: fn.scheduled[0] + fn.scheduled[1] + fn.scheduled[2],
    running: fn.runningCount,
    workers: Array.from(fn.abilities, (ability) => ability.session.number).sort(byNumber),
    sleepers: Array.from(fn.sleepers, (ability) => ability.session)
      .filter((session) => session.sleep === "asleep")
      .map((session) => session.number),
    awaitedNoops: fn.woken.size,
    isIdle: fn.isIdle
  })),
  sessions: Array.from(server.sessions, (session) => ({
    number: session.number,
    clientId: Codec.latin1(session.clientId),
    sleep: session.sleep,
    wantsExceptions: session.wantsExceptions,
    functions: functionsOf(session),
    running: Array.from(session.running, handleOf),
    attachments: session.attachments.length,
    formerAttempts: session.formerAttemptCount
  })),
  counts: countsOf(server)
})

/** Everything by function, recounted from the jobs. */
interface Recount {
  readonly queued: [number, number, number]
  scheduled: number
  running: number
}

/**
 * What is wrong with the state; nothing, ever. Costs as much as there is state.
 *
 * @since 0.1.0
 * @category operations
 */
export const violations = (server: Inspected): ReadonlyArray<string> => {
  const found: Array<string> = []
  const check = (holds: boolean, message: () => string): void => {
    if (!holds) found.push(message())
  }
  const { jobs, sessions } = server
  const recounts = new Map(
    Array.from(jobs.functions.values(), (fn): [string, Recount] => [
      fn.key,
      { queued: [0, 0, 0], scheduled: 0, running: 0 }
    ])
  )
  const mergeGroups = new Set<string>()
  let attachments = 0
  let all = 0
  let loose = 0

  for (const job of jobs.byNumber.values()) {
    const handle = handleOf(job)
    all++
    if (jobs.byNumber.loose(job.number) === job) loose++
    const recount = recounts.get(job.function.key)
    if (recount === undefined) {
      found.push(`${handle} is of a function that is not listed`)
      continue
    }
    check(job.state !== "gone", () => `${handle} is over and still listed`)
    if (job.state === "queued") recount.queued[job.priority]++
    if (job.state === "scheduled") recount.scheduled++
    if (job.state === "running") recount.running++
    check(
      (job.state === "running") === (job.worker !== undefined),
      () => `${handle} is ${job.state} and its worker does not fit`
    )
    if (job.worker !== undefined) {
      check(sessions.has(job.worker), () => `${handle} runs on a connection that is gone`)
      check(job.worker.running.has(job), () => `${handle} is unknown to the worker it runs on`)
    }
    check(
      !job.isAbandoned || job.state === "running",
      () => `${handle} is ${job.state}, nobody waits for it and nobody was promised it`
    )
    check(job.state !== "scheduled" || job.heapIndex >= 0, () => `${handle} is scheduled and nothing will start it`)
    check(job.state !== "queued" || job.heapIndex === -1, () => `${handle} is queued and has a deadline`)
    if (typeof job.mergeKey === "string") {
      const group = `${job.function.key}\0${job.mergeKey}`
      check(!mergeGroups.has(group), () => `${handle} is not the only job of its function and unique`)
      mergeGroups.add(group)
      check(
        jobs.merging.findUnique(job.function, job.mergeKey)?.number === job.number,
        () => `${handle} cannot be joined by its unique`
      )
    }
    attachments += job.listeners.length
    job.listeners.forEach((attachment, index) => {
      const { session } = attachment
      check(sessions.has(session), () => `${handle} has a listener that is gone`)
      check(
        attachment.job === job &&
          attachment.jobIndex === index &&
          session.attachments[attachment.sessionIndex] === attachment,
        () => `${handle} has a listener that is in the wrong place`
      )
    })
  }
  check(all === jobs.byNumber.size, () => `${all} jobs, counted as ${jobs.byNumber.size}`)
  check(
    loose === jobs.byNumber.looseCount,
    () => `${loose} jobs are in no bundle, counted as ${jobs.byNumber.looseCount}`
  )
  check(attachments === jobs.attachmentCount, () => `${attachments} attachments, counted as ${jobs.attachmentCount}`)

  let queues = 0
  let idle = 0
  for (const fn of jobs.functions.values()) {
    const recount = recounts.get(fn.key)!
    const queued = recount.queued[0] + recount.queued[1] + recount.queued[2]
    fn.queues.forEach((queue, priority) => {
      if (queue.size > 0) queues++
      check(
        queue.size === recount.queued[priority] && Array.from(queue).length === queue.size,
        () => `${fn.key} has ${recount.queued[priority]} jobs of priority ${priority} and ${queue.size} in its queue`
      )
    })
    check(
      fn.runningCount === recount.running,
      () => `${fn.key} runs ${recount.running} jobs, counted as ${fn.runningCount}`
    )
    check(
      fn.jobCount === queued + recount.scheduled + recount.running,
      () => `${fn.key} has ${queued + recount.scheduled + recount.running} jobs, counted as ${fn.jobCount}`
    )
    const isIdle = fn.jobCount === 0 && fn.abilities.size === 0
    if (isIdle) idle++
    check(isIdle === fn.isIdle, () => `${fn.key} is ${isIdle ? "" : "not "}idle and marked otherwise`)
    let awaited = 0
    let asleep = 0
    for (const ability of fn.abilities) {
      check(sessions.has(ability.session), () => `${fn.key} has a worker that is gone`)
      if (ability.session.wokenBy === ability) awaited++
      if (ability.session.sleep === "asleep") asleep++
    }
    check(awaited === fn.woken.size, () => `${fn.key} awaits ${awaited} NOOPs, counted as ${fn.woken.size}`)
    check(
      queued === 0 || asleep === 0 || awaited > 0 || jobs.grabs.isSaved(fn),
      () => `${fn.key} has ${queued} jobs, ${asleep} able connections asleep, and no NOOP under way to any`
    )
  }
  check(
    queues === jobs.functions.withWorkCount,
    () => `${queues} queues with work, ${jobs.functions.withWorkCount} listed`
  )
  check(idle === jobs.functions.idleCount, () => `${idle} idle functions, ${jobs.functions.idleCount} listed`)

  for (const session of sessions) {
    const name = `connection ${session.number}`
    for (const job of session.running)
      check(job.worker === session, () => `${name} has lost ${handleOf(job)} and keeps it`)
    check(session.isOpen, () => `${name} is given up and still listed`)
    check(
      session.sleep !== "asleep" || session.unlisted.size === 0,
      () => `${name} is asleep and some functions cannot wake it`
    )
  }
  for (const [name, count] of Object.entries(countsOf(server))) {
    const isEmpty = jobs.byNumber.size === 0 && sessions.size === 0
    const expected = name === "functions" ? jobs.functions.idleCount : 0
    const mayRemain = name === "idleFunctions" || name === "lingering"
    check(
      !isEmpty || mayRemain || count === expected,
      () => `nobody is connected, no job is left, and ${name} is ${count}`
    )
  }
  return found
}
