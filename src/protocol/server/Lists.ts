/**
 * The answers that are lists, line by line: of a hundred thousand jobs they take longer than
 * anybody else should have to wait, so they are pulled while they go out. A line says what
 * is so when it is pulled; what is gone by then is left out.
 *
 * @since 0.1.0
 */
import * as Admin from "../Admin.ts"
import * as Codec from "../Codec.ts"
import type { Rights } from "./Access.ts"
import { functionRow, refusedRow } from "./FunctionRows.ts"
import type { ServerFunction } from "./Functions.ts"
import type { Job } from "./Job.ts"
import type { Jobs } from "./Jobs.ts"
import * as ListOrder from "./ListOrder.ts"
import type { Session } from "./Session.ts"

/**
 * A list on its way: its lines, and an empty one for each step of the work between them.
 *
 * @since 0.1.0
 * @category models
 */
export type Lines = Iterator<string, void>

/**
 * What is listed, and by whom: lists show only what one may administrate.
 *
 * @since 0.1.0
 * @category models
 */
export interface Listed {
  readonly jobs: Jobs
  readonly sessions: ReadonlySet<Session>
  readonly rights: Rights
}

const end = `${Admin.endOfList}\n`

// So much of a row's work counts as one step.
const workPerStep = 64

function* steps(work: number): Generator<string, void> {
  for (let left = work; left >= workPerStep; left -= workPerStep) yield ""
}

function* functionsInOrder({ jobs: { functions }, rights }: Listed): Generator<ServerFunction | undefined, void> {
  const all = ListOrder.inOrder(
    functions.values(),
    functions.size,
    ({ bucket }) => bucket,
    (fn) => fn
  )
  for (const fn of all) {
    const isShown = fn !== undefined && rights.may("administrate", fn.key) && functions.find(fn.key) === fn
    yield isShown ? fn : undefined
  }
}

/** By their numbers: who reads slowly must not keep jobs in memory that are gone. */
function* jobsInOrder({ jobs, rights }: Listed, nameOf: (job: Job) => string): Generator<Job | undefined, void> {
  const all = ListOrder.inOrder(
    jobs.byNumber.values(),
    jobs.byNumber.size,
    (job) => ListOrder.bucketOf(Codec.fromLatin1(nameOf(job))),
    (job) => job.number
  )
  for (const number of all) {
    const job = number === undefined ? undefined : jobs.byNumber.look(number)
    yield job !== undefined && rights.may("administrate", job.function.key) ? job : undefined
  }
}

/**
 * `status`
 *
 * @since 0.1.0
 * @category conversions
 */
export function* status(listed: Listed): Lines & Iterable<string> {
  for (const fn of functionsInOrder(listed)) yield fn === undefined ? "" : Admin.formatStatusRow(statusRow(fn))
  yield end
}

const statusRow = (fn: ServerFunction): Admin.StatusRow => ({
  function: fn.key,
  total: fn.jobCount,
  running: fn.runningCount,
  workers: fn.abilities.size
})

/**
 * `prioritystatus`
 *
 * @since 0.1.0
 * @category conversions
 */
export function* priorityStatus(listed: Listed): Lines & Iterable<string> {
  for (const fn of functionsInOrder(listed))
    yield fn === undefined ? "" : Admin.formatPriorityStatusRow(priorityStatusRow(fn))
  yield end
}

const priorityStatusRow = (fn: ServerFunction): Admin.PriorityStatusRow => ({
  function: fn.key,
  high: fn.queues[0].size + fn.scheduled[0],
  normal: fn.queues[1].size + fn.scheduled[1],
  low: fn.queues[2].size + fn.scheduled[2],
  workers: fn.abilities.size
})

/**
 * `show functions`: a row for each that there is, and for each that only ever was refused.
 *
 * @since 0.1.0
 * @category conversions
 */
export function* functions(listed: Listed): Lines & Iterable<string> {
  const { jobs, rights } = listed
  for (const fn of functionsInOrder(listed)) {
    yield fn === undefined ? "" : Admin.formatFunctionRow(functionRow(jobs, fn))
    if (fn !== undefined) yield* steps(fn.abilities.size)
  }
  for (const key of Array.from(jobs.refusals.byFunction.keys())) {
    const row = rights.may("administrate", key) ? refusedRow(jobs, key) : undefined
    yield row === undefined ? "" : Admin.formatFunctionRow(row)
  }
  yield end
}

/**
 * `workers`, the newest connection first. Who may not see everything sees the workers of
 * what it may see, and nobody else.
 *
 * @since 0.1.0
 * @category conversions
 */
export function* workers({ rights, sessions }: Listed): Lines & Iterable<string> {
  const seesAll = rights.mayAll("administrate")
  for (const session of Array.from(sessions).reverse()) {
    const row = workerRow(session)
    const functions = seesAll ? row.functions : row.functions.filter((key) => rights.may("administrate", key))
    const isShown = session.isOpen && (seesAll || functions.length > 0)
    yield isShown ? Admin.formatWorkerRow({ ...row, functions }) : ""
    yield* steps(session.abilities.size)
  }
  yield end
}

const workerRow = (session: Session): Admin.WorkerRow => ({
  connection: session.number,
  host: session.peer.peerHost,
  clientId: Codec.latin1(session.clientId),
  functions: Array.from(session.abilities.values())
    .sort((one, other) => one.turn - other.turn)
    .map((ability) => ability.function.key)
})

/**
 * `show jobs`
 *
 * @since 0.1.0
 * @category conversions
 */
export function* jobs(listed: Listed): Lines & Iterable<string> {
  for (const job of jobsInOrder(listed, ({ handle }) => handle))
    yield job === undefined ? "" : Admin.formatJobRow(jobRow(job))
  yield end
}

const jobRow = (job: Job): Admin.JobRow => ({
  handle: job.handle,
  retries: job.retries,
  isIgnored: job.isCancelled || job.isAbandoned,
  isBackground: job.isBackground
})

/**
 * `show unique jobs`
 *
 * @since 0.1.0
 * @category conversions
 */
export function* uniques(listed: Listed): Lines & Iterable<string> {
  for (const job of jobsInOrder(listed, ({ unique }) => unique))
    yield job === undefined ? "" : Admin.formatUniqueRow(job.unique)
  yield end
}
