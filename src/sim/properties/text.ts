/**
 * What operators are told, and what their commands do: property 59.
 *
 * @since 0.1.0
 */
import { count, isThere, type Range, runs, waits, workers } from "./counts.ts"
import { type Property, Violation } from "./Property.ts"
import { isLive, type ModelConnection, type ModelJob, type ServerModel } from "./ServerModel.ts"

/** What the columns of a list count, for each function. */
const columns: { readonly [list: string]: ReadonlyArray<(server: ServerModel, fn: string) => Range> } = {
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

/** The list has a row for each that is there for sure, and others only for those that may be. */
const judgeRows = (
  server: ServerModel,
  list: string,
  rows: ReadonlyArray<string>,
  sure: Iterable<string>,
  maybe: ReadonlyArray<string>
): void => {
  const left = [...rows]
  for (const row of sure) {
    const index = left.indexOf(row)
    if (index === -1) wrong(server, `leaves "${row}" out of ${list}`)
    left.splice(index, 1)
  }
  for (const row of left) if (!maybe.includes(row)) wrong(server, `tells in ${list} of ${row}`)
}

const judgeJobRows = (
  server: ServerModel,
  rows: ReadonlyArray<string>,
  list: string,
  of: (job: ModelJob) => string
) => {
  const jobs = [...server.unfinished]
  const sure = jobs.filter((job) => !server.mayBeGone(job))
  const maybe = jobs.filter((job) => server.mayBeGone(job))
  judgeRows(server, list, rows, sure.map(of), maybe.map(of))
}

const judgeFunctions = (server: ServerModel, list: string, answer: ReadonlyArray<string>): void => {
  const rows = cellsOf(answer)
  const names = rows.map(([name = ""]) => name)
  // Those of which something was refused are shown for it.
  judgeRows(server, list, names, server.functions.keys(), list === "show functions" ? names : [])
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
  const told = rows.map(([handle = ""]) => handle)
  if (new Set(told).size < rows.length) wrong(server, "shows a job twice")
  judgeJobRows(server, told, "show jobs", ({ handle }) => handle)
  for (const [handle = "", retries, ignored, background] of rows) {
    const job = server.jobs.get(handle)!
    if (server.mayBeGone(job)) continue
    const text = `shows ${handle} with ${retries} ${ignored} ${background}`
    const isIgnored = job.cancelled || (!job.background && job.listeners.length === 0)
    if ((background === "1") !== job.background || (ignored === "1") !== isIgnored) wrong(server, text)
    const lost = job.attempts - (job.state === "running" ? 1 : 0)
    if (runs(server, job) !== "maybe" && Number(retries) !== lost) wrong(server, `${text}, but it lost ${lost} workers`)
  }
}

const judgeWorkers = (server: ServerModel, answer: ReadonlyArray<string>): void => {
  const textOf = (id: string, functions: Iterable<string>) => `${id}: ${[...functions].sort().join(" ")}`
  const told = answer.slice(0, -1).flatMap((line) => {
    const [id = "", functions = ""] = line.split(" ").slice(2).join(" ").split(":")
    return functions === "" ? [] : [textOf(id.trim(), functions.trim().split(" "))]
  })
  const rowsOf = (isOpen: boolean) =>
    [...server.connections.values()]
      .filter(({ abilities, open }) => abilities.size > 0 && open === isOpen)
      .map(({ abilities, clientId }) => textOf(clientId, abilities.keys()))
  judgeRows(server, "workers", told, rowsOf(true), rowsOf(false))
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
    if (list === "show unique jobs") return judgeJobRows(server, answer.slice(0, -1), list, uniqueOf)
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
