/**
 * `worker`: runs a command of the shell per job, as `gearman -w -f` does. The workload
 * goes to the command's standard input; what it prints is the result; an exit code other
 * than 0 fails the job.
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as JobContext from "../../protocol/JobContext.ts"
import * as JobFunction from "../../protocol/JobFunction.ts"
import * as Worker from "../../protocol/Worker.ts"
import { linesOf } from "./Lines.ts"
import * as Numbers from "./Numbers.ts"
import * as Output from "./Output.ts"
import * as PidFile from "./PidFile.ts"
import * as Servers from "./servers.ts"
import { isCommand, runCommand } from "./ShellCommand.ts"
import { Usage } from "./Usage.ts"

const flags = {
  name: Argument.String("function").pipe(
    Argument.withDescription("The function to serve, unless -f gives it"),
    Argument.optional
  ),
  command: Argument.String("command").pipe(
    Argument.withDescription("The command and its arguments, after --; without one the workload is the result"),
    Argument.atLeast(0)
  ),
  functions: Flag.String("function").pipe(
    Flag.withAlias("f"),
    Flag.withDescription("A function to serve; may be given several times. All words are then the command"),
    Flag.atLeast(0)
  ),
  concurrency: Numbers.Count("concurrency").pipe(Flag.withDescription("Jobs that run at once"), Flag.withDefault(1)),
  count: Numbers.Count("count").pipe(
    Flag.withAlias("c"),
    Flag.withDescription("Stop after this many jobs"),
    Flag.optional
  ),
  wholeLines: Flag.Boolean("whole-lines").pipe(
    Flag.withAlias("n"),
    Flag.withDescription("Send each line of the command's output at once, as a piece of the result (WORK_DATA)"),
    Flag.withDefault(false)
  ),
  bareLines: Flag.Boolean("bare-lines").pipe(
    Flag.withAlias("N"),
    Flag.withDescription("The same without the newlines"),
    Flag.withDefault(false)
  ),
  clientId: Flag.String("client-id").pipe(Flag.withDescription("What `workers` shows for this worker"), Flag.optional),
  timeout: Numbers.Seconds("timeout").pipe(
    Flag.withDescription("Time one job may take; then its command is killed and the job goes to another worker"),
    Flag.optional
  ),
  drainTimeout: Numbers.SecondsOrNone("drain-timeout").pipe(
    Flag.withDescription("On SIGTERM, time that running jobs have to finish before they are handed back"),
    Flag.withDefault(30)
  ),
  pidFile: PidFile.flag
}

export const worker = Command.make(
  "worker",
  { ...Servers.flags, ...flags },
  Effect.fnUntraced(function* (given) {
    const servers = yield* Servers.resolve(given)
    yield* PidFile.write(given.pidFile)
    const command = [...Option.toArray(given.name), ...given.command]
    const functions = given.functions.length > 0 ? given.functions : command.splice(0, 1)
    if (functions.length === 0) return yield* new Usage({ problem: "Missing required argument: function" })
    const [program] = command
    // Else each job of the function would fail, for a slip of somebody's pen.
    if (program !== undefined && !isCommand(program))
      return yield* new Usage({ problem: `${program} cannot be run: there is no such command, or it may not be run` })
    const isDone = yield* Deferred.make<void>()
    const limit = Option.getOrElse(given.count, () => Number.POSITIVE_INFINITY)
    const isByLine = given.wholeLines || given.bareLines
    let ended = 0
    const perform = Effect.fnUntraced(function* (workload: Uint8Array) {
      if (command.length === 0 && !isByLine) return workload
      const { data, warning } = yield* JobContext.JobContext
      const onLine = isByLine ? (line: Uint8Array) => data(line) : undefined
      if (command.length > 0)
        return yield* runCommand(command, workload, onLine, given.wholeLines, (text) =>
          // Callers are told too, or would only know that it failed.
          Effect.andThen(Output.printError(`${text}\n`), warning(Buffer.from(text)))
        )
      yield* Effect.forEach(linesOf(workload, given.wholeLines), data, { discard: true })
      return new Uint8Array(0)
    })
    const handler = (workload: Uint8Array) =>
      Effect.ensuring(
        perform(workload),
        Effect.suspend(() => (++ended >= limit ? Deferred.succeed(isDone, undefined) : Effect.void))
      )
    const serving = functions.map((name) =>
      JobFunction.bytes(name).toLayer(
        handler,
        Option.match(given.timeout, { onNone: () => ({}), onSome: (seconds) => ({ timeout: seconds * 1_000 }) })
      )
    )
    const layer = Worker.layer({
      servers,
      concurrency: Math.min(given.concurrency, limit),
      clientId: Option.getOrUndefined(given.clientId),
      drainTimeout: given.drainTimeout * 1_000
    })
    yield* Effect.forkChild(Servers.warnUnreachable(servers))
    const [first, ...others] = serving
    yield* Effect.provide(Deferred.await(isDone), Layer.provide(Layer.mergeAll(first!, ...others), layer))
  })
).pipe(
  Command.provide((given) => Servers.network(given)),
  Command.withDescription("Serve functions by running a command per job"),
  Command.withExamples([
    { command: "effect-gearman worker wc -- wc -l", description: "Count the lines of each workload" },
    {
      command: "effect-gearman worker resize --concurrency 4 -- convert - -resize 50% -",
      description: "Four at once"
    },
    { command: "effect-gearman worker -f wc -f count -- wc -l", description: "Two names for the same" }
  ])
)
