/**
 * What `top` shows, and what its keys do: a state, and the lines that it makes for a screen
 * of a given size. Nothing here knows a terminal.
 */
import type { WorkerRow } from "../../protocol/Admin.ts"
import { visible } from "../Visible.ts"
import { type Condition, conditionsOf, type Row } from "./Diagnosis.ts"
import * as Output from "./Output.ts"

/** What one look at the servers found. */
export interface Found {
  readonly rows: ReadonlyArray<Row>
  readonly workers: ReadonlyArray<WorkerRow & { readonly server: string }>
  /** Servers that could not be asked, in words. */
  readonly problems: ReadonlyArray<string>
  /** Set when not a single server could be asked. */
  readonly failure?: unknown
}

const sorts = ["stuck", "queued", "wait", "running", "name"] as const

/** Everything that the screen depends on. */
export interface State {
  readonly view: "functions" | "workers"
  readonly sort: (typeof sorts)[number]
  readonly isPaused: boolean
  /** Rows that are scrolled out at the top. */
  readonly offset: number
  readonly found: Found
  readonly before: ReadonlyMap<string, Row>
}

/** Before the first look. */
export const initial: State = {
  view: "functions",
  sort: "stuck",
  isPaused: false,
  offset: 0,
  found: { rows: [], workers: [], problems: [] },
  before: new Map()
}

const keyOf = (row: Row) => `${row.server} ${row.function}`

/** After another look; while it is paused, the screen stays as it is. */
export const looked = (state: State, found: Found): State =>
  state.isPaused ? state : { ...state, found, before: new Map(state.found.rows.map((row) => [keyOf(row), row])) }

/** What a key asks for. */
export type Key = "up" | "down" | "pageUp" | "pageDown" | "quit" | "other" | "w" | "s" | "p"

const named: Readonly<Record<string, Key>> = {
  "\u001b[A": "up",
  "\u001bOA": "up",
  k: "up",
  "\u001b[B": "down",
  "\u001bOB": "down",
  j: "down",
  "\u001b[5~": "pageUp",
  "\u001b[6~": "pageDown",
  " ": "pageDown",
  q: "quit",
  Q: "quit",
  "\u0003": "quit",
  w: "w",
  s: "s",
  p: "p"
}

/** The keys in what a terminal sent at once. */
export const keysOf = (text: string): ReadonlyArray<Key> => {
  const found: Array<Key> = []
  for (let at = 0; at < text.length;) {
    const sequence = [4, 3, 1].map((length) => text.slice(at, at + length)).find((part) => part in named)
    found.push(sequence === undefined ? "other" : named[sequence]!)
    at += sequence?.length ?? 1
  }
  return found
}

/** After a key; `height` is that of the screen. */
export const pressed = (state: State, key: Key, height: number): State => {
  const page = Math.max(1, height - frameLines)
  const scrolled = (by: number): State => {
    const rows = state.view === "workers" ? state.found.workers.length : state.found.rows.length
    return { ...state, offset: Math.max(0, Math.min(state.offset + by, rows - page)) }
  }
  switch (key) {
    case "up":
      return scrolled(-1)
    case "down":
      return scrolled(1)
    case "pageUp":
      return scrolled(-page)
    case "pageDown":
      return scrolled(page)
    case "w":
      return { ...state, view: state.view === "workers" ? "functions" : "workers", offset: 0 }
    case "s":
      return { ...state, sort: sorts[(sorts.indexOf(state.sort) + 1) % sorts.length]!, offset: 0 }
    case "p":
      return { ...state, isPaused: !state.isPaused }
    default:
      return state
  }
}

/** Head, blank line, column names, blank line, keys. */
const frameLines = 5

interface Judged {
  readonly row: Row
  readonly condition: Condition | undefined
}

const isStuck = ({ condition }: Judged): boolean => condition?.isProblem === true

const judge = (state: State): ReadonlyArray<Judged> => {
  const { rows } = state.found
  const judged = rows.map((row): Judged => ({
    row,
    condition: conditionsOf(row, state.before.get(keyOf(row)), rows)[0]
  }))
  const wait = ({ row }: Judged) => row.detail?.waitMillis ?? 0
  const orders: Readonly<Record<State["sort"], (one: Judged, other: Judged) => number>> = {
    stuck: (one, other) => Number(isStuck(other)) - Number(isStuck(one)),
    queued: () => 0,
    wait: (one, other) => wait(other) - wait(one),
    running: (one, other) => other.row.running - one.row.running,
    name: (one, other) => (one.row.function < other.row.function ? -1 : 1)
  }
  return judged.toSorted(
    (one, other) =>
      orders[state.sort](one, other) ||
      other.row.queued - one.row.queued ||
      other.row.running - one.row.running ||
      (keyOf(one.row) < keyOf(other.row) ? -1 : 1)
  )
}

/** A length of time in four characters or so. */
export const waitText = (millis: number): string => {
  const seconds = millis / 1_000
  if (seconds < 10) return `${seconds.toFixed(1)}s`
  if (seconds < 100) return `${Math.round(seconds)}s`
  const minutes = seconds / 60
  return minutes < 100 ? `${Math.round(minutes)}m` : `${Math.round(minutes / 60)}h`
}

const waitOf = ({ detail, queued }: Row): string => {
  if (detail === undefined) return queued === 0 ? "" : "?"
  return detail.waiting === 0 ? "" : waitText(detail.waitMillis)
}

const functionTable = (state: State, judged: ReadonlyArray<Judged>): string => {
  // Which server it is matters only where there are several.
  const isFleet = new Set(judged.map(({ row }) => row.server)).size > 1
  return Output.table(
    ["FUNCTION", "QUEUED", "CHANGE", "WAIT", "RUNNING", "WORKERS", ...(isFleet ? ["SERVER"] : []), ""],
    judged.map(({ condition, row }) => {
      const past = state.before.get(keyOf(row))
      const change = past === undefined ? 0 : row.queued - past.queued
      return [
        row.function,
        row.queued,
        change > 0 ? `+${change}` : String(change),
        waitOf(row),
        row.running,
        row.workers,
        ...(isFleet ? [row.server] : []),
        condition === undefined ? "" : `${condition.isProblem ? "! " : ""}${condition.text}`
      ]
    })
  )
}

const workerTable = ({ found }: State): string =>
  Output.table(
    ["CLIENT ID", "HOST", "CONNECTION", "SERVER", "FUNCTIONS"],
    found.workers.map((row) => [row.clientId, row.host, row.connection, row.server, row.functions.join(" ")])
  )

const some = (count: number, what: string) => `${count} ${what}${count === 1 ? "" : "s"}`

const headOf = (state: State, judged: ReadonlyArray<Judged>): string => {
  // Nothing is known, which is not the same as nothing being there.
  if (state.found.failure !== undefined) return "no job server answers"
  const sum = (of: (row: Row) => number) => judged.reduce((total, { row }) => total + of(row), 0)
  const stuck = judged.filter(isStuck).length
  return [
    some(judged.length, "function"),
    `${some(
      sum((row) => row.queued),
      "job"
    )} queued`,
    `${sum((row) => row.running)} running`,
    some(state.found.workers.length, "worker"),
    ...(stuck > 0 ? [`${stuck} stuck`] : [])
  ].join(", ")
}

/** All of it as plain text, for a pipe. */
export const page = (state: State): string => {
  const judged = judge(state)
  const problems = state.found.problems.map((problem) => `! ${visible(problem)}\n`).join("")
  return `${headOf(state, judged)}\n\n${functionTable(state, judged)}${problems}`
}

/** All of it for scripts; `isStuck` tells what stands first on the screen. */
export const snapshot = (state: State) => ({
  functions: judge(state).map(({ condition, row }) => {
    const past = state.before.get(keyOf(row))
    return {
      ...row,
      change: past === undefined ? 0 : row.queued - past.queued,
      isStuck: condition?.isProblem === true,
      reason: condition?.text
    }
  }),
  workers: state.found.workers,
  problems: state.found.problems
})

/** A size of a terminal. */
export interface Size {
  readonly columns: number
  readonly rows: number
}

const cut = (line: string, columns: number): string =>
  line.length > columns ? `${line.slice(0, Math.max(0, columns - 1))}…` : line

const reverse = (line: string, columns: number) => `\u001b[7m${cut(line, columns).padEnd(columns)}\u001b[0m`
const red = (line: string) => `\u001b[31m${line}\u001b[0m`

/** The lines of a screen, each as wide as it at most, and no more of them than it has. */
export const screen = (state: State, size: Size): ReadonlyArray<string> => {
  const judged = judge(state)
  const isWorkers = state.view === "workers"
  const table = isWorkers ? workerTable(state) : functionTable(state, judged)
  const [columns = "", ...rows] = table.trimEnd().split("\n")
  const problems = state.found.problems.map((problem) => `! ${visible(problem)}`)
  const room = Math.max(1, size.rows - frameLines - problems.length)
  const shown = rows
    .map((line, at) => (!isWorkers && isStuck(judged[at]!) ? red(cut(line, size.columns)) : cut(line, size.columns)))
    .slice(state.offset, state.offset + room)
  const rest = rows.length - state.offset - shown.length
  const keys = [
    "q quit",
    isWorkers ? "w functions" : "w workers",
    ...(isWorkers ? [] : [`s sort: ${state.sort}`]),
    state.isPaused ? "p go on" : "p pause",
    rest > 0 || state.offset > 0 ? `↑↓ scroll: ${state.offset} above, ${rest} below` : ""
  ]
  const head = `${headOf(state, judged)}${state.isPaused ? " (paused)" : ""}`
  return [
    cut(head, size.columns),
    "",
    reverse(columns, size.columns),
    ...shown,
    ...problems.map((problem) => red(cut(problem, size.columns))),
    "",
    cut(keys.filter((key) => key !== "").join("  "), size.columns)
  ].slice(0, size.rows)
}
