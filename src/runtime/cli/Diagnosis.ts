/**
 * Why a function's jobs are not moving, from two looks at the servers. gearmand tells little
 * (`status`); our own server tells the rest (`show functions`).
 */
import * as Effect from "effect/Effect"
import type { FunctionRow } from "../../protocol/Admin.ts"
import type * as Network from "../../protocol/Network.ts"
import * as Admin from "./Admin.ts"

/** A function on one server. */
export interface Row {
  readonly server: string
  readonly function: string
  readonly queued: number
  readonly running: number
  readonly workers: number
  /** What only our own server tells. */
  readonly detail: FunctionRow | undefined
}

/** What there is to say about a function. */
export interface Condition {
  readonly text: string
  /** Something is to be done; otherwise it only explains. */
  readonly isProblem: boolean
}

/** What one look at all servers found; what could not be reached is kept apart. */
export const look = Effect.fnUntraced(function* (addresses: ReadonlyArray<Network.Address>) {
  const replies = yield* Effect.forEach(
    addresses,
    (address) => Effect.result(Effect.all([Admin.status(address), Admin.functions(address)])),
    { concurrency: "unbounded" }
  )
  const rows = replies.flatMap((reply): ReadonlyArray<Row> => {
    if (reply._tag === "Failure") return []
    const [status, details] = reply.success
    const listed = new Set(status.map((row) => row.function))
    const [first] = status
    const refusedOnly = Array.from(details.values()).filter((detail) => !listed.has(detail.function))
    return [
      ...status.map((row) => ({ ...row, detail: details.get(row.function) })),
      ...refusedOnly.map((detail) => ({
        server: first?.server ?? "",
        function: detail.function,
        queued: 0,
        running: 0,
        workers: 0,
        detail
      }))
    ]
  })
  const failures = replies.flatMap((reply) => (reply._tag === "Failure" ? [reply.failure] : []))
  return {
    rows,
    problems: failures.map((failure) => failure.message),
    /** Why nobody could be asked, where that is so. */
    failure: failures.length === addresses.length ? failures[0] : undefined
  }
})

const problem = (text: string): Condition => ({ text, isProblem: true })
const note = (text: string): Condition => ({ text, isProblem: false })

/** "1 worker", "2 workers". */
const some = (count: number, what: string): string => `${count} ${what}${count === 1 ? "" : "s"}`

const withoutWorkers = (row: Row, all: ReadonlyArray<Row>): Condition => {
  const denied = row.detail?.deniedWorkers ?? 0
  if (denied > 0)
    return problem(`no worker: the rules refused ${some(denied, "worker")} that wanted to serve it; see --allow`)
  const elsewhere = all.filter((other) => other.function === row.function && other.workers > 0)
  return problem(
    elsewhere.length > 0
      ? `no worker here; those of ${elsewhere.map((other) => other.server).join(", ")} must connect to ${row.server} too`
      : "no worker anywhere can do it; start one, or correct the function's name"
  )
}

/** Why what waits has not been taken. */
const waiting = (row: Row, before: Row | undefined, all: ReadonlyArray<Row>): Condition | undefined => {
  const { detail } = row
  if (row.queued === 0) return undefined
  if (detail !== undefined && detail.waiting === 0) return note(`${some(detail.delayed, "job")} not due yet`)
  if (row.workers === 0) return withoutWorkers(row, all)
  const isStill = before !== undefined && before.queued === row.queued && before.running === row.running
  const busy = detail?.busy ?? row.running
  if (busy >= row.workers) {
    return problem(
      `${row.workers === 1 ? "its one worker is" : `all ${row.workers} workers are`} busy${isStill ? " and nothing has moved; are they stuck in a job?" : "; start more if it stays so"}`
    )
  }
  if (!isStill) return undefined
  const woken = detail?.woken ?? 0
  if (woken > 0)
    return problem(`${some(woken, "worker")} woken, and silent since; restart them, or look at the network`)
  const free = `${some(row.workers - busy, "worker")} free and nothing has moved`
  return problem(
    detail === undefined
      ? `${free}: delayed jobs wait for their time, otherwise restart the workers`
      : `${free}; are they at work for another server?`
  )
}

/** What never came to wait. */
const refused = ({ detail }: Row, before: Row | undefined): Condition | undefined => {
  if (detail === undefined) return undefined
  const { deniedSubmits, limited } = detail
  const told = [
    ...(limited > 0 ? [`${some(limited, "submission")} refused at a limit; see maxqueue and the --max flags`] : []),
    ...(deniedSubmits > 0 ? [`${some(deniedSubmits, "submission")} refused by the rules; see --allow`] : [])
  ]
  if (told.length === 0) return undefined
  const isGrowing =
    before?.detail !== undefined && limited + deniedSubmits > before.detail.limited + before.detail.deniedSubmits
  return { text: told.join(", "), isProblem: isGrowing }
}

/** What there is to say about a function, the worst first; nothing when all is well. */
export const conditionsOf = (row: Row, before: Row | undefined, all: ReadonlyArray<Row>): ReadonlyArray<Condition> => {
  const found = [waiting(row, before, all), refused(row, before)].filter((condition) => condition !== undefined)
  return found.sort((one, other) => Number(other.isProblem) - Number(one.isProblem))
}

/** What there is to say about a function that somebody asked for, when all is well. */
export const idleOf = ({ workers }: Row): Condition =>
  note(workers === 0 ? "no job waits, and no worker can do it" : "nothing is stuck")

/** What there is to say about a name that somebody asked for, and that is nowhere. */
export const unknown = problem(
  "no server knows it: no job of it waits, and no worker can do it; compare the name letter by letter"
)
