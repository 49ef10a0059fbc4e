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
import * as ChildProcess from "node:child_process"
import * as JobFunction from "../../protocol/JobFunction.ts"
import * as Worker from "../../protocol/Worker.ts"
import * as Numbers from "./Numbers.ts"
import * as Output from "./Output.ts"
import * as Servers from "./servers.ts"

const flags = {
  function: Argument.String("function").pipe(Argument.withDescription("The function to serve")),
  command: Argument.String("command").pipe(
    Argument.withDescription("The command and its arguments, after --; without one the workload is the result"),
    Argument.atLeast(0)
  ),
  concurrency: Numbers.Count("concurrency").pipe(
    Flag.withAlias("c"),
    Flag.withDescription("Jobs that run at once"),
    Flag.withDefault(1)
  ),
  count: Numbers.Count("count").pipe(Flag.withDescription("Stop after this many jobs"), Flag.optional),
  clientId: Flag.String("client-id").pipe(Flag.withDescription("What `workers` shows for this worker"), Flag.optional),
  timeout: Numbers.Seconds("timeout").pipe(
    Flag.withAlias("t"),
    Flag.withDescription("Time one job may take; then its command is killed and the job goes to another worker"),
    Flag.optional
  ),
  drainTimeout: Numbers.SecondsOrNone("drain-timeout").pipe(
    Flag.withDescription("On SIGTERM, time that running jobs have to finish before they are handed back"),
    Flag.withDefault(30)
  )
}

/** Runs the command with the workload on its standard input; interrupting it kills it. */
const runCommand = (command: ReadonlyArray<string>, workload: Uint8Array): Effect.Effect<Uint8Array, Worker.JobFail> =>
  Effect.callback((resume) => {
    const [file = "cat", ...args] = command
    // A group of its own, so that what the command started dies with it, and so that
    // Ctrl-C reaches this worker only, which then lets the job finish.
    const child = ChildProcess.spawn(file, args, { stdio: ["pipe", "pipe", "inherit"], detached: true })
    const output: Array<Uint8Array> = []
    child.stdout.on("data", (chunk: Uint8Array) => output.push(chunk))
    // A command need not read its input.
    child.stdin.on("error", () => {})
    child.stdin.end(workload)
    child.once("error", (error) => {
      resume(
        Effect.andThen(Output.printError(`cannot run ${file}: ${error.message}\n`), Effect.fail(new Worker.JobFail()))
      )
    })
    child.once("close", (code) => {
      resume(code === 0 ? Effect.succeed(new Uint8Array(Buffer.concat(output))) : Effect.fail(new Worker.JobFail()))
    })
    return Effect.sync(() => {
      try {
        if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL")
      } catch {
        // It has ended by itself.
      }
    })
  })

export const worker = Command.make(
  "worker",
  { ...Servers.flags, ...flags },
  Effect.fnUntraced(function* (given) {
    const servers = yield* Servers.resolve(given)
    const fn = JobFunction.bytes(given.function)
    const isDone = yield* Deferred.make<void>()
    const limit = Option.getOrElse(given.count, () => Number.POSITIVE_INFINITY)
    let ended = 0
    const handler = (workload: Uint8Array) =>
      Effect.ensuring(
        given.command.length === 0 ? Effect.succeed(workload) : runCommand(given.command, workload),
        Effect.suspend(() => (++ended >= limit ? Deferred.succeed(isDone, undefined) : Effect.void))
      )
    const serving = fn.toLayer(
      handler,
      Option.match(given.timeout, { onNone: () => ({}), onSome: (seconds) => ({ timeout: seconds * 1_000 }) })
    )
    const layer = Worker.layer({
      servers,
      concurrency: Math.min(given.concurrency, limit),
      clientId: Option.getOrUndefined(given.clientId),
      drainTimeout: given.drainTimeout * 1_000
    })
    yield* Effect.forkChild(Servers.warnUnreachable(servers))
    yield* Effect.provide(Deferred.await(isDone), Layer.provide(serving, layer))
  })
).pipe(
  Command.provide((given) => Servers.network(given)),
  Command.withDescription("Serve a function by running a command per job"),
  Command.withExamples([
    { command: "effect-gearman worker wc -- wc -l", description: "Count the lines of each workload" },
    { command: "effect-gearman worker resize -c 4 -- convert - -resize 50% -", description: "Four at once" }
  ])
)
