/**
 * The commands that ask job servers about themselves, or tell them something: `status`,
 * `workers`, `jobs`, `cancel`, `shutdown`.
 */
import * as Effect from "effect/Effect"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Network from "../../protocol/Network.ts"
import { visible } from "../Visible.ts"
import * as Admin from "./Admin.ts"
import * as Output from "./Output.ts"
import * as Servers from "./servers.ts"
import { SomeFailed } from "./SomeFailed.ts"
import { textCommand } from "./text-command.ts"
import { mustBeHandle } from "./Usage.ts"

const json = Flag.Boolean("json").pipe(Flag.withDescription("Print JSON, for scripts"), Flag.withDefault(false))

/**
 * Asks all servers at once. What the reachable ones said is printed even when others
 * cannot be reached; the command then fails all the same.
 */
const gather = Effect.fnUntraced(function* <Row, Error extends { readonly message: string }, R>(
  given: Servers.Given,
  ask: (address: Network.Address) => Effect.Effect<ReadonlyArray<Row>, Error, R>
) {
  const addresses = yield* Servers.resolve(given)
  const replies = yield* Effect.forEach(addresses, (address) => Effect.result(ask(address)), {
    concurrency: "unbounded"
  })
  return {
    rows: replies.flatMap((reply) => (reply._tag === "Success" ? reply.success : [])),
    failures: replies.flatMap((reply) => (reply._tag === "Failure" ? [reply.failure] : [])),
    isFleet: addresses.length > 1
  }
})

/** Prints rows as JSON or as a table; the server's column only where there are several. */
const show = Effect.fnUntraced(function* <Row extends { readonly server: string }, Error>(
  found: { readonly rows: ReadonlyArray<Row>; readonly failures: ReadonlyArray<Error>; readonly isFleet: boolean },
  asJson: boolean,
  columns: ReadonlyArray<string>,
  cells: (row: Row) => ReadonlyArray<string | number>
) {
  const isAnyReached = found.rows.length > 0 || found.failures.length === 0
  if (asJson && isAnyReached) yield* Output.printJson(found.rows)
  else if (isAnyReached) {
    yield* Output.print(
      Output.table(
        found.isFleet ? ["SERVER", ...columns] : columns,
        found.rows.map((row) => (found.isFleet ? [row.server, ...cells(row)] : cells(row)))
      )
    )
  }
  const [first] = found.failures
  if (first !== undefined) return yield* Effect.fail(first)
})

const status = Command.make("status", { ...Servers.flags, json }, (given) =>
  Effect.flatMap(gather(given, Admin.status), (found) =>
    show(found, given.json, ["FUNCTION", "QUEUED", "RUNNING", "WORKERS"], (row) => [
      row.function,
      row.queued,
      row.running,
      row.workers
    ])
  )
).pipe(
  Command.provide((given) => Servers.network(given)),
  Command.withDescription("Show each function's queued jobs, running jobs and workers"),
  Command.withExamples([{ command: "effect-gearman status --json", description: "For scripts" }])
)

const all = Flag.Boolean("all").pipe(
  Flag.withDescription("Show every connection, clients too"),
  Flag.withDefault(false)
)

const workers = Command.make("workers", { ...Servers.flags, json, all }, (given) =>
  Effect.flatMap(
    gather(given, (address) =>
      Effect.map(Admin.workers(address), (rows) => rows.filter((row) => given.all || row.functions.length > 0))
    ),
    (found) =>
      show(found, given.json, ["CONNECTION", "HOST", "CLIENT ID", "FUNCTIONS"], (row) => [
        row.connection,
        row.host,
        row.clientId,
        row.functions.join(" ")
      ])
  )
).pipe(
  Command.provide((given) => Servers.network(given)),
  Command.withDescription("Show the workers and the functions they can do"),
  Command.withExamples([{ command: "effect-gearman workers --all", description: "Clients too" }])
)

const jobs = Command.make("jobs", { ...Servers.flags, json }, (given) =>
  Effect.flatMap(gather(given, Admin.jobs), (found) =>
    show(found, given.json, ["HANDLE", "RETRIES", "BACKGROUND", "IGNORED"], (row) => [
      row.handle,
      row.retries,
      row.isBackground ? "yes" : "no",
      row.isIgnored ? "yes" : "no"
    ])
  )
).pipe(
  Command.provide((given) => Servers.network(given)),
  Command.withDescription("Show the jobs that a server holds"),
  Command.withExamples([{ command: "effect-gearman jobs --json", description: "For scripts" }])
)

/** A handle does not tell its server: all are asked, and the one that knows it cancels it. */
const cancelOne = Effect.fnUntraced(function* (handle: string, addresses: ReadonlyArray<Network.Address>) {
  let refusal: Admin.CommandRefused | undefined
  let failure: Admin.Unreachable | undefined
  let server: string | undefined
  for (const address of addresses) {
    const asked = yield* Effect.result(Admin.ask(address, `cancel job ${handle}`, "line"))
    if (asked._tag === "Success") server ??= Network.format(address)
    else if (asked.failure._tag === "CommandRefused") refusal ??= asked.failure
    else failure ??= asked.failure
  }
  // Who cannot be asked may be the one that has it.
  return { handle, server, error: server === undefined ? (failure ?? refusal) : undefined }
})

const cancel = Command.make(
  "cancel",
  {
    ...Servers.flags,
    json,
    handles: Argument.String("handle").pipe(
      Argument.withDescription("The job's handle, as submit --background and jobs show it"),
      Argument.atLeast(1)
    )
  },
  Effect.fnUntraced(function* ({ handles, json, ...given }) {
    yield* Effect.forEach(handles, mustBeHandle)
    const addresses = yield* Servers.resolve(given)
    const told = yield* Effect.forEach(
      handles,
      Effect.fnUntraced(function* (handle) {
        const { error, server } = yield* cancelOne(handle, addresses)
        if (!json && error === undefined) yield* Output.printLine(`cancelled ${visible(handle)}`)
        // A single one's is the command's own.
        if (!json && error !== undefined && handles.length > 1) {
          yield* Output.printError(`effect-gearman: ${error.message}\n`)
        }
        return { handle, server, error }
      })
    )
    if (json) {
      yield* Output.printJson(
        told.map(({ error, handle, server }) =>
          error === undefined
            ? { handle, isCancelled: true, server }
            : { handle, isCancelled: false, reason: error.message }
        )
      )
    }
    const errors = told.flatMap(({ error }) => error ?? [])
    const [first] = errors
    if (first === undefined) return
    if (handles.length === 1 || errors.every((error) => error._tag === "Unreachable")) return yield* Effect.fail(first)
    return yield* new SomeFailed({ failed: errors.length, total: handles.length, what: "jobs were not cancelled" })
  })
).pipe(
  Command.provide((given) => Servers.network(given)),
  Command.withDescription("Cancel jobs: those who wait are told that it failed; a worker that runs it is not told"),
  Command.withExamples([
    { command: "effect-gearman cancel H:abc:0000000001", description: "Where the server has --allow-cancel" },
    {
      command: "effect-gearman jobs | awk 'NR > 1 { print $1 }' | xargs effect-gearman cancel",
      description: "All of them"
    }
  ])
)

const shutdown = Command.make(
  "shutdown",
  {
    ...Servers.flags,
    graceful: Flag.Boolean("graceful").pipe(
      Flag.withDescription("Take no new connections and stop when no job is left"),
      Flag.withDefault(false)
    )
  },
  Effect.fnUntraced(function* ({ graceful, ...given }) {
    const addresses = yield* Servers.resolve(given)
    yield* Effect.forEach(addresses, (address) =>
      Admin.ask(address, graceful ? "shutdown graceful" : "shutdown", "line").pipe(
        // The server says no more than gearmand, which has lost this command.
        Effect.catchTag("CommandRefused", (refused) =>
          Effect.fail(
            refused.reply.includes("UNKNOWN_COMMAND")
              ? new Admin.CommandRefused({
                  server: refused.server,
                  command: refused.command,
                  reply: "it is to be started with --allow-shutdown (UNKNOWN_COMMAND)"
                })
              : refused
          )
        )
      )
    )
  })
).pipe(
  Command.provide((given) => Servers.network(given)),
  Command.withDescription("Stop job servers that run with --allow-shutdown (or Perl's gearmand)"),
  Command.withExamples([{ command: "effect-gearman shutdown --graceful", description: "When no job is left" }])
)

/** All of them. */
export const adminCommands = [status, workers, jobs, cancel, shutdown, textCommand] as const
