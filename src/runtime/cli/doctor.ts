/**
 * `doctor`: why jobs are not moving, from two looks at the servers.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import { visible } from "../Visible.ts"
import { conditionsOf, idleOf, look, type Row, unknown } from "./Diagnosis.ts"
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

const some = (count: number, what: string) => `${count} ${what}${count === 1 ? "" : "s"}`

const sorted = (rows: ReadonlyArray<Row>) =>
  [...rows].sort(
    (left, right) =>
      right.queued - left.queued || right.running - left.running || (left.function < right.function ? -1 : 1)
  )

/** The command. */
export const doctor = Command.make(
  "doctor",
  {
    ...Servers.flags,
    functions: Argument.String("function").pipe(
      Argument.withDescription("Explain these functions only; without any, all that are not well"),
      Argument.atLeast(0)
    ),
    wait: Numbers.SecondsOrNone("wait").pipe(
      Flag.withDescription("Time between the two looks that tell what does not move"),
      Flag.withDefault(2)
    ),
    json: Flag.Boolean("json").pipe(Flag.withDescription("Print JSON, for scripts"), Flag.withDefault(false))
  },
  Effect.fnUntraced(function* (given) {
    const addresses = yield* Servers.resolve(given)
    const first = yield* look(addresses)
    if (first.failure !== undefined) return yield* first.failure
    yield* Effect.sleep(given.wait * 1_000)
    const second = yield* look(addresses)
    const before = new Map(first.rows.map((row) => [keyOf(row), row]))
    const isMeant = (name: string) => given.functions.length === 0 || given.functions.includes(name)
    const rows = sorted(second.rows).filter((row) => isMeant(row.function))
    const conditions = rows.flatMap((row) => {
      const found = conditionsOf(row, before.get(keyOf(row)), second.rows)
      // Who asks for one function hears of it in any case.
      const all = found.length === 0 && given.functions.length > 0 ? [idleOf(row)] : found
      return all.map(({ isProblem, text }) => ({ row, isProblem, text }))
    })
    const missing = given.functions
      .filter((name) => rows.every((row) => row.function !== name))
      .map((name) => ({ function: name, isProblem: true, reason: unknown.text }))
    if (given.json) {
      yield* Output.printJson([
        ...second.problems.map((reason) => ({ isProblem: true, reason })),
        ...missing,
        ...conditions.map(({ isProblem, row, text }) => ({ ...row, isProblem, reason: text }))
      ])
    } else {
      for (const problem of second.problems) yield* Output.printLine(visible(problem))
      for (const { function: name, reason } of missing) yield* Output.printLine(visible(`${name}: ${reason}`))
      for (const { row, text } of conditions) {
        const state = `${row.queued} queued, ${row.running} running, ${some(row.workers, "worker")}`
        yield* Output.printLine(visible(`${row.function} on ${row.server}: ${state}: ${text}`))
      }
    }
    const count = second.problems.length + missing.length + conditions.filter(({ isProblem }) => isProblem).length
    if (count > 0) return yield* new Findings({ count })
    if (!given.json && given.functions.length === 0) {
      yield* Output.printLine(`${some(second.rows.length, "function")}, nothing is stuck`)
    }
  })
).pipe(
  Command.provide((given) => Servers.network(given)),
  Command.withDescription("Explain why jobs are not moving; exit code 1 when something is wrong"),
  Command.withExamples([
    { command: "effect-gearman doctor resize", description: "Why this function's jobs do not move" },
    { command: "effect-gearman doctor --wait 10", description: "For functions whose jobs take long" },
    { command: "effect-gearman doctor --server a,b", description: "Finds workers that miss one of two servers" }
  ])
)
