/**
 * What operators are told and what their commands do (59), and that limits refuse what is
 * over them and nothing else (60).
 *
 * What a server knows can be told from its packets but for a moment here and there: so each
 * number has to lie between the jobs that are so for sure, and those that may be.
 *
 * @since 0.1.0
 */
import { type Property, Violation } from "./Property.ts"
import { isLive, type ModelConnection, type ModelJob, type ServerModel, type Submission } from "./ServerModel.ts"

type Sight = "no" | "maybe" | "yes"
type See = (server: ServerModel, job: ModelJob) => Sight

const isThere: See = (server, job) => (server.mayBeGone(job) ? "maybe" : "yes")

const runs: See = (server, job) => {
  if (job.doubtful) return "maybe"
  if (job.state !== "running") return "no"
  return job.owner?.open === true && !server.mayBeTimedOut(job) ? "yes" : "maybe"
}

const waits =
  (priority: number): See =>
  (server, job) => {
    const running = runs(server, job)
    if (running === "yes") return "no"
    if (running === "maybe" || job.raisedWhileRunning) return "maybe"
    return job.priority === priority ? isThere(server, job) : "no"
  }

/** How many jobs there are for sure, and how many there may be. */
const count = (server: ServerModel, see: See, fn?: string): readonly [least: number, most: number] => {
  let least = 0
  let most = 0
  for (const job of server.unfinished) {
    if (fn !== undefined && job.function !== fn) continue
    const seen = see(server, job)
    if (seen === "yes") least++
    if (seen !== "no") most++
  }
  return [least, most]
}

const workers = (server: ServerModel, fn: string): readonly [least: number, most: number] => {
  const able = [...server.connections.values()].filter(({ abilities }) => abilities.has(fn))
  return [able.filter(({ open }) => open).length, able.length]
}

/** What the columns of a list count, for each function. */
const columns: {
  readonly [list: string]: ReadonlyArray<(server: ServerModel, fn: string) => readonly [number, number]>
} = {
  status: [(server, fn) => count(server, isThere, fn), (server, fn) => count(server, runs, fn), workers],
  prioritystatus: [
    ...[0, 1, 2].map((priority) => (server: ServerModel, fn: string) => count(server, waits(priority), fn)),
    workers
  ]
}

const cellsOf = (answer: ReadonlyArray<string>) => answer.slice(0, -1).map((line) => line.split("\t"))

const uniqueOf = ({ key = "" }: ModelJob): string => {
  const [, kind, unique = ""] = key.split("\0")
  return kind === "-" ? "-" : unique
}

const wrong = (server: ServerModel, what: string): never => {
  throw new Violation(59, `${server.node} ${what}`)
}

/** The list has a row for each that is there for sure, and no other than for those that may be. */
const judgeRows = (server: ServerModel, list: string, rows: ReadonlyArray<string>, see: (row: string) => Sight) => {
  for (const row of rows) if (see(row) === "no") wrong(server, `tells in ${list} of ${row}`)
}

const judgeFunctions = (server: ServerModel, list: string, answer: ReadonlyArray<string>): void => {
  const rows = cellsOf(answer)
  const names = rows.map(([name = ""]) => name)
  // Those of which something was refused are listed for it.
  if (list !== "show functions") judgeRows(server, list, names, (name) => (server.functions.has(name) ? "yes" : "no"))
  for (const name of server.functions.keys()) {
    if (!names.includes(name)) wrong(server, `leaves ${name} out of ${list}`)
  }
  for (const [name = "", ...cells] of rows) {
    columns[list]?.forEach((bounds, index) => {
      const [least, most] = bounds(server, name)
      const told = Number(cells[index])
      if (!(told >= least && told <= most))
        wrong(server, `tells in ${list} of ${name}: ${cells.join(" ")}, but the ${index + 1}th is ${least} to ${most}`)
    })
  }
}

const judgeJobs = (server: ServerModel, answer: ReadonlyArray<string>): void => {
  const rows = cellsOf(answer)
  const told = new Set(rows.map(([handle = ""]) => handle))
  if (told.size < rows.length) wrong(server, "shows a job twice")
  for (const job of server.unfinished) {
    if (!server.mayBeGone(job) && !told.has(job.handle)) wrong(server, `does not show ${job.handle}`)
  }
  for (const [handle = "", retries, ignored, background] of rows) {
    const job = server.jobs.get(handle)
    const text = `shows ${handle} with ${retries} ${ignored} ${background}`
    if (job === undefined || !isLive(job)) return wrong(server, `${text}, but there is no such job`)
    if (server.mayBeGone(job)) continue
    const isIgnored = job.cancelled || (!job.background && job.listeners.length === 0)
    if ((background === "1") !== job.background || (ignored === "1") !== isIgnored) wrong(server, text)
    const lost = job.attempts - (job.state === "running" ? 1 : 0)
    if (runs(server, job) !== "maybe" && Number(retries) !== lost) wrong(server, `${text}, but it lost ${lost} workers`)
  }
}

/** What stands in some rows, and how often at least and at most. */
const judgeTexts = (server: ServerModel, list: string, told: ReadonlyArray<string>, sure: ReadonlyArray<string>) => {
  const left = [...told]
  for (const text of sure) {
    const index = left.indexOf(text)
    if (index === -1) wrong(server, `leaves "${text}" out of ${list}`)
    left.splice(index, 1)
  }
  return left
}

const judgeUniques = (server: ServerModel, answer: ReadonlyArray<string>): void => {
  const jobs = [...server.unfinished]
  const sure = jobs.filter((job) => !server.mayBeGone(job)).map(uniqueOf)
  const maybe = jobs.filter((job) => server.mayBeGone(job)).map(uniqueOf)
  const left = judgeTexts(server, "show unique jobs", answer.slice(0, -1), sure)
  judgeRows(server, "show unique jobs", left, (unique) => (maybe.includes(unique) ? "maybe" : "no"))
}

const judgeWorkers = (server: ServerModel, answer: ReadonlyArray<string>): void => {
  const connections = [...server.connections.values()].filter(({ abilities }) => abilities.size > 0)
  const textOf = (id: string, functions: Iterable<string>) => `${id}: ${[...functions].sort().join(" ")}`
  const told = answer.slice(0, -1).flatMap((line) => {
    const [id = "", functions = ""] = line.split(" ").slice(2).join(" ").split(":")
    return functions === "" ? [] : [textOf(id.trim(), functions.trim().split(" "))]
  })
  const rowOf = ({ abilities, clientId }: (typeof connections)[number]) => textOf(clientId, abilities.keys())
  const left = judgeTexts(server, "workers", told, connections.filter(({ open }) => open).map(rowOf))
  const maybe = connections.filter(({ open }) => !open).map(rowOf)
  judgeRows(server, "workers", left, (row) => (maybe.includes(row) ? "maybe" : "no"))
}

const judgeDrop = (server: ServerModel, wanted: string, answer: string): void => {
  const names = [...server.functions.keys()].filter((name) => name.toLowerCase() === wanted.toLowerCase())
  const uses = names.map((name) => [count(server, isThere, name), workers(server, name)]).flat()
  const isUsed = uses.some(([least]) => least > 0)
  const mayBeUsed = uses.some(([, most]) => most > 0)
  const isRight =
    answer === "OK" ? names.length > 0 && !isUsed : names.length === 0 ? answer.includes("not found") : mayBeUsed
  if (!isRight) wrong(server, `answers "${answer}" to drop ${wanted}, which is ${isUsed ? "" : "not "}in use`)
}

const judgeCancel = (server: ServerModel, words: ReadonlyArray<string>, answer: string): void => {
  const job = words.length === 3 ? server.jobs.get(words[2]!) : undefined
  const mayBe = job !== undefined && isLive(job) && !job.cancelled
  const isSure = mayBe && !server.mayBeGone(job)
  if (answer === "OK" ? !mayBe : isSure) wrong(server, `answers "${answer}" to ${words.join(" ")}`)
}

const single: { readonly [command: string]: RegExp } = {
  version: /^OK \S/,
  verbose: /^OK \S/,
  getpid: /^OK \d+$/
}

/** Whatever comes is answered in the same step, also before an end. */
const judgeOwed = (server: ServerModel, { commands, id }: ModelConnection): void => {
  if (commands.owed > 0) wrong(server, `has not answered a command of connection ${id}`)
}

/**
 * @since 0.1.0
 * @category properties
 */
export const text = (): Property => {
  const judge = (server: ServerModel, words: ReadonlyArray<string>, answer: ReadonlyArray<string>): void => {
    const [word = "", second = "", third = ""] = words
    const [first = ""] = answer
    const command = word.toLowerCase()
    const list = [command, ...words.slice(1)].join(" ").toLowerCase()
    if (columns[command] !== undefined || list === "show functions") return judgeFunctions(server, list, answer)
    if (command === "workers") return judgeWorkers(server, answer)
    if (list === "show jobs") return judgeJobs(server, answer)
    if (list === "show unique jobs") return judgeUniques(server, answer)
    if (command === "cancel") return judgeCancel(server, words, first)
    if (command === "drop" && third !== "") return judgeDrop(server, third, first)
    const isFine = (command === "create" && third !== "") || (command === "maxqueue" && second !== "")
    const expected = isFine ? /^OK$/ : (single[command] ?? /^ERR /)
    if (!expected.test(first)) wrong(server, `answers "${first}" to "${words.join(" ")}"`)
  }
  let areLines = false
  return {
    name: "text",
    observe: ({ event }) => {
      if (event._tag === "Line") areLines = true
    },
    commanded: judge,
    assigned: (server, _connection, job) => {
      if (job.cancelled) wrong(server, `assigned ${job.handle} again, which was cancelled`)
    },
    created: (server, _submission, job, isNew) => {
      if (!isNew && job.cancelled) wrong(server, `let a submission join ${job.handle}, which was cancelled`)
    },
    closed: judgeOwed,
    afterStep: ({ servers }) => {
      if (!areLines) return
      areLines = false
      for (const server of servers.values()) for (const one of server.connections.values()) judgeOwed(server, one)
    }
  }
}

/**
 * What a server was started with; 0 is no limit.
 *
 * @since 0.1.0
 * @category models
 */
export interface Limits {
  readonly maxJobs?: number | undefined
  readonly maxJobsPerFunction?: number | undefined
}

/** Who waits for jobs, once for each submission; who has left may still be counted. */
const countWaiting = (server: ServerModel): readonly [least: number, most: number] => {
  let least = 0
  let all = 0
  for (const job of server.unfinished) {
    if (!server.mayBeGone(job)) least += job.listeners.length
    all += job.listeners.length
  }
  const hasLeft = [...server.connections.values()].some(({ open }) => !open)
  return [least, hasLeft ? Infinity : all]
}

/**
 * A submission is refused when there are too many jobs, or too many who wait for one, and
 * then only. Who joins a job makes none. A server that drains takes none that it would have
 * to do for that, and says why.
 *
 * @since 0.1.0
 * @category properties
 */
export const limits = (limitsOf: (node: string) => Limits): Property => {
  const draining = new Set<string>()
  /** By how much a limit is exceeded, for sure and possibly; 0 is when there is no room for one more. */
  const over = (
    server: ServerModel,
    submission: Submission,
    isNew: boolean
  ): readonly [least: number, most: number] => {
    const { background, function: fn, priority } = submission
    const { maxJobs = 0, maxJobsPerFunction = 0 } = limitsOf(server.node)
    const most = server.functions.get(fn)?.[priority] ?? maxJobsPerFunction
    const ends = [-Infinity, -Infinity] as [number, number]
    const judge = (limit: number, [low, high]: readonly [number, number]) => {
      if (limit === 0) return
      ends[0] = Math.max(ends[0], low - limit)
      ends[1] = Math.max(ends[1], high - limit)
    }
    if (isNew) judge(most, count(server, isThere, fn))
    if (isNew) judge(maxJobs, count(server, isThere))
    if (isNew || !background) judge(maxJobs, countWaiting(server))
    return ends
  }
  const tell = (server: ServerModel, { function: fn }: Submission, what: string): never => {
    throw new Violation(60, `${server.node} ${what} a job of ${fn}, of which it has ${count(server, isThere, fn)[0]}`)
  }
  return {
    name: "limits",
    observe: ({ event }) => {
      if (event._tag === "Draining") draining.add(event.node)
      else if (event._tag === "Ended") draining.delete(event.node)
    },
    created: (server, submission, _job, isNew) => {
      if (draining.has(server.node) && (isNew || submission.background))
        tell(server, submission, "drains, and accepted")
      if (over(server, submission, isNew)[0] >= 0) tell(server, submission, "accepted, over a limit,")
    },
    refused: (server, submission, code) => {
      const { background, matches } = submission
      const isNew = matches === undefined || matches.cancelled || server.mayBeGone(matches)
      if (code === "SHUTTING_DOWN" && draining.has(server.node) && (isNew || background)) return
      if (over(server, submission, isNew)[1] < 0) tell(server, submission, "refused, under every limit,")
    }
  }
}
