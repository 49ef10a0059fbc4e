/**
 * `top` and `doctor`: what moves, what does not, and why. Both look through the text
 * protocol, so they serve for gearmand as well.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import { conditionsOf, look, type Row } from "./Diagnosis.ts"
import * as Numbers from "./Numbers.ts"
import * as Output from "./Output.ts"
import * as Servers from "./servers.ts"

/** There is something to see to; what it is has been printed. */
class Findings extends Schema.TaggedError<Findings>("effect-gearman/cli/Findings")("Findings", {
  count: Schema.Number
}) {
  override get message() {
    return this.count === 1 ? "1 finding" : `${this.count} findings`
  }
}

const keyOf = (row: Row) => `${row.server} ${row.function}`

const sorted = (rows: ReadonlyArray<Row>) =>
  [...rows].sort(
    (left, right) =>
      right.queued - left.queued || right.running - left.running || (left.function < right.function ? -1 : 1)
  )

const screenOf = (found: Effect.Success<ReturnType<typeof look>>, before: ReadonlyMap<string, Row>, height: number) => {
  const rows = sorted(found.rows)
  const sum = (of: (row: Row) => number) => rows.reduce((total, row) => total + of(row), 0)
  const head = `${rows.length} functions, ${sum((row) => row.queued)} jobs queued, ${sum((row) => row.running)} running\n\n`
  const table = Output.table(
    ["FUNCTION", "QUEUED", "CHANGE", "RUNNING", "WORKERS", "SERVER", ""],
    rows.slice(0, Math.max(1, height - 5)).map((row) => {
      const past = before.get(keyOf(row))
      const change = past === undefined ? 0 : row.queued - past.queued
      const [condition] = conditionsOf(row, past, rows)
      return [
        row.function,
        row.queued,
        change > 0 ? `+${change}` : String(change),
        row.running,
        row.workers,
        row.server,
        condition === undefined ? "" : `${condition.isProblem ? "! " : ""}${condition.text}`
      ]
    })
  )
  return head + table + found.problems.map((problem) => `! ${Output.visible(problem)}\n`).join("")
}

/** Lines as wide as the screen, which would otherwise scroll. */
const cut = (text: string, columns: number | undefined): string =>
  columns === undefined ? text : text.replaceAll(new RegExp(`^(.{${columns - 1}}).+$`, "gm"), "$1…")

const seconds = (name: string, description: string, byDefault: number) =>
  Numbers.SecondsOrNone(name).pipe(Flag.withDescription(description), Flag.withDefault(byDefault))

/** Takes over the screen while a terminal is there, and gives it back in any case. */
const screen = Effect.acquireRelease(
  process.stdout.isTTY ? Output.print("\u001b[?1049h\u001b[?25l") : Effect.void,
  () => (process.stdout.isTTY ? Output.print("\u001b[?25h\u001b[?1049l") : Effect.void)
)

/** Ends when q or Ctrl-C is pressed. */
const quitKey = Effect.callback<void>((resume) => {
  const { stdin } = process
  if (!stdin.isTTY) return
  const onKey = (key: Buffer) => {
    if (!key.includes("q") && !key.includes(3)) return
    restore()
    resume(Effect.void)
  }
  // A terminal that is read keeps the process alive.
  const restore = () => {
    stdin.off("data", onKey)
    stdin.setRawMode(false)
    stdin.pause()
  }
  stdin.setRawMode(true)
  stdin.on("data", onKey)
  return Effect.sync(restore)
})

const top = Command.make(
  "top",
  {
    ...Servers.flags,
    interval: seconds("interval", "Time between two looks", 1),
    count: Numbers.Count("count").pipe(Flag.withDescription("Stop after this many looks"), Flag.optional)
  },
  Effect.fnUntraced(function* (given) {
    const addresses = yield* Servers.resolve(given)
    const limit = Option.getOrElse(given.count, () => Number.POSITIVE_INFINITY)
    const watching = Effect.gen(function* () {
      let before: ReadonlyMap<string, Row> = new Map()
      for (let round = 1; round <= limit; round++) {
        const found = yield* look(addresses)
        const home = process.stdout.isTTY ? "\u001b[H\u001b[J" : ""
        const { columns, rows } = process.stdout
        yield* Output.print(home + cut(screenOf(found, before, rows ?? 1_000), columns))
        before = new Map(found.rows.map((row) => [keyOf(row), row]))
        if (round < limit) yield* Effect.sleep(given.interval * 1_000)
      }
    })
    yield* Effect.scoped(Effect.andThen(screen, Effect.raceFirst(watching, quitKey)))
  })
).pipe(
  Command.provide((given) => Servers.network(given)),
  Command.withDescription("Watch functions, workers and what is stuck; q ends it")
)

const doctor = Command.make(
  "doctor",
  { ...Servers.flags, wait: seconds("wait", "Time between the two looks that tell what does not move", 2) },
  Effect.fnUntraced(function* (given) {
    const addresses = yield* Servers.resolve(given)
    const first = yield* look(addresses)
    yield* Effect.sleep(given.wait * 1_000)
    const second = yield* look(addresses)
    const before = new Map(first.rows.map((row) => [keyOf(row), row]))
    const conditions = sorted(second.rows).flatMap((row) =>
      conditionsOf(row, before.get(keyOf(row)), second.rows).map(({ isProblem, text }) => ({
        isProblem,
        text: `${row.function} on ${row.server}: ${row.queued} queued, ${row.running} running, ${row.workers} workers: ${text}`
      }))
    )
    const problems = second.problems.map((text) => ({ isProblem: true, text }))
    for (const { text } of [...problems, ...conditions]) yield* Output.printLine(Output.visible(text))
    const count = [...problems, ...conditions].filter(({ isProblem }) => isProblem).length
    if (count > 0) return yield* new Findings({ count })
    yield* Output.printLine(`${second.rows.length} functions, nothing is stuck`)
  })
).pipe(
  Command.provide((given) => Servers.network(given)),
  Command.withDescription("Explain why jobs are not moving; exit code 1 when something is wrong")
)

/** Both of them. */
export const watchCommands = [top, doctor] as const
