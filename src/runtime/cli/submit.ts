/**
 * `submit`: jobs from arguments, from standard input, or one per line of it. The letters
 * are those of the `gearman` tool; docs/operations.md says where the two differ.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Client from "../../protocol/Client.ts"
import type { GearmanError } from "../../protocol/GearmanError.ts"
import * as JobFunction from "../../protocol/JobFunction.ts"
import * as JobLines from "./JobLines.ts"
import { linesOf } from "./Lines.ts"
import * as Numbers from "./Numbers.ts"
import * as Output from "./Output.ts"
import * as PidFile from "./PidFile.ts"
import * as Progress from "./Progress.ts"
import * as Servers from "./servers.ts"
import { SomeFailed } from "./SomeFailed.ts"
import { Usage } from "./Usage.ts"
import { messageOf } from "./Wording.ts"

const toggle = (name: string, letter: string | undefined, description: string) => {
  const flag = Flag.Boolean(name).pipe(Flag.withDescription(description), Flag.withDefault(false))
  return letter === undefined ? flag : flag.pipe(Flag.withAlias(letter))
}

const flags = {
  name: Argument.String("function").pipe(
    Argument.withDescription("The function's name, unless -f gives it"),
    Argument.optional
  ),
  workloads: Argument.String("workload").pipe(
    Argument.withDescription("A job's input, each word a job; without any, standard input is read"),
    Argument.atLeast(0)
  ),
  functions: Flag.String("function").pipe(
    Flag.withAlias("f"),
    Flag.withDescription("The function's name; given several times, each gets the job. All words are then workloads"),
    Flag.atLeast(0)
  ),
  background: toggle("background", "b", "Do not wait for the result; print the job's handle"),
  unique: Flag.String("unique").pipe(
    Flag.withAlias("u"),
    Flag.withDescription("Equal uniques share one job; - takes the workload itself"),
    Flag.optional
  ),
  idempotent: toggle(
    "idempotent",
    undefined,
    "The job may run twice: it is submitted again when the connection to its server is lost"
  ),
  priority: Flag.Literals("priority", ["high", "normal", "low"]).pipe(
    Flag.withDescription("The job's priority"),
    Flag.withDefault("normal")
  ),
  high: toggle("high", "I", "The same as --priority high"),
  low: toggle("low", "L", "The same as --priority low"),
  progress: toggle("progress", undefined, "Show the job's progress on standard error"),
  lines: toggle(
    "lines",
    undefined,
    "Submit each line of standard input as a job, and print each result on a line, in the order of the lines"
  ),
  wholeLines: toggle(
    "whole-lines",
    "n",
    "The same, but the newline is part of the job, and nothing is put behind results"
  ),
  bareLines: toggle("bare-lines", "N", "The same as --whole-lines, but the newline is no part of the job"),
  empty: toggle("empty", "s", "Submit an empty workload; standard input is not read"),
  prefix: toggle("prefix", "P", "Put the function's name before each piece of the output"),
  verbose: toggle("verbose", "v", "Tell each job's handle on standard error"),
  json: toggle(
    "json",
    undefined,
    "Print what happens to each job, as it happens: handle, data, warnings, progress, result or failure, a JSON object a line"
  ),
  timeout: Numbers.Seconds("timeout").pipe(Flag.withDescription("Time to wait for the result"), Flag.optional),
  timeoutMillis: Numbers.Count("timeout-millis").pipe(
    Flag.withAlias("t"),
    Flag.withMetavar("MILLISECONDS"),
    Flag.withDescription("The same in milliseconds"),
    Flag.optional
  ),
  pidFile: PidFile.flag,
  concurrency: Numbers.Count("concurrency").pipe(
    Flag.withDescription("Jobs under way at once where each line is one"),
    Flag.withDefault(100)
  )
}

interface Manner {
  readonly options: Client.SubmitOptions
  readonly isProgressShown: boolean
  readonly isPrefixed: boolean
  readonly isVerbose: boolean
}

const newline = Buffer.from("\n")

const tellHandle = (handle: Client.JobHandle, manner: Manner) =>
  manner.isVerbose ? Output.printError(`Task created: ${handle.handle}\n`) : Effect.void

/** Runs one job and hands on its output, a piece at a time. */
const follow = Effect.fnUntraced(function* (
  { fn, workload }: JobLines.Work,
  manner: Manner,
  take: (bytes: Uint8Array) => Effect.Effect<void>
) {
  const client = yield* Client.Client
  // As `gearman -P` does it: before each piece as it comes, whatever lines it has.
  const hand = (bytes: Uint8Array) =>
    take(manner.isPrefixed ? Buffer.concat([Buffer.from(`${fn.name}: `), bytes]) : bytes)
  const job = yield* client.submit(fn, workload, manner.options)
  yield* tellHandle(yield* job.handle, manner)
  yield* Stream.runForEach(job.events, (event) => {
    switch (event._tag) {
      case "Data":
        return hand(event.data)
      case "Warning":
        return Output.printError(event.data)
      case "Status":
        return manner.isProgressShown ? Output.printError(`${event.numerator}/${event.denominator}\n`) : Effect.void
      case "Done":
        return hand(event.value)
      default:
        return Effect.void
    }
  })
})

/** Runs one job and gives all its output. */
const collect = Effect.fnUntraced(function* (work: JobLines.Work, manner: Manner) {
  const pieces: Array<Uint8Array> = []
  yield* follow(work, manner, (bytes) => Effect.sync(() => void pieces.push(bytes)))
  return Buffer.concat(pieces)
})

/** Queues one job and gives the line to print. */
const queue = Effect.fnUntraced(function* ({ fn, workload }: JobLines.Work, manner: Manner) {
  const client = yield* Client.Client
  const handle = yield* client.background(fn, workload, manner.options)
  yield* tellHandle(handle, manner)
  return Buffer.from(`${manner.isPrefixed ? `${fn.name}: ` : ""}${handle.handle}\n`)
})

export const submit = Command.make(
  "submit",
  { ...Servers.flags, ...flags },
  Effect.fnUntraced(function* (given) {
    const servers = yield* Servers.resolve(given)
    yield* PidFile.write(given.pidFile)
    const words = [...Option.toArray(given.name), ...given.workloads]
    const functions = given.functions.length > 0 ? given.functions : words.splice(0, 1)
    if (functions.length === 0) return yield* new Usage({ problem: "Missing required argument: function" })
    const timeout = Option.match(given.timeoutMillis, {
      onNone: () => Option.map(given.timeout, (seconds) => seconds * 1_000),
      onSome: Option.some
    })
    const manner: Manner = {
      options: {
        ...Option.match(timeout, { onNone: () => ({}), onSome: (millis) => ({ timeout: millis }) }),
        priority: given.high ? "high" : given.low ? "low" : given.priority,
        unique: Option.getOrUndefined(given.unique)
      },
      isProgressShown: given.progress,
      isPrefixed: given.prefix,
      isVerbose: given.verbose
    }
    const isByLine = (given.lines || given.wholeLines || given.bareLines) && words.length === 0 && !given.empty
    const workloads: ReadonlyArray<Uint8Array> = given.empty
      ? [new Uint8Array(0)]
      : words.length > 0
        ? words.map((word) => Buffer.from(word))
        : isByLine
          ? linesOf(yield* Output.readInput, given.wholeLines)
          : [yield* Output.readInput]
    const all = functions.map((name) => JobFunction.bytes(name, { idempotent: given.idempotent }))
    const works = workloads
      .flatMap((workload) => all.map((fn) => ({ fn, workload })))
      .map((work, at): JobLines.Work => ({ ...work, number: at + 1 }))
    // Background jobs are queued in the order of the lines.
    const concurrency = given.background || !isByLine ? 1 : given.concurrency
    const program = Effect.gen(function* () {
      const bar = yield* Progress.make(works.length, Progress.standardError(given.json))
      let failed = 0
      if (given.json) {
        const run = given.background ? JobLines.queue : JobLines.follow
        const done = yield* Effect.forEach(works, (work) => bar.done(run(work, manner.options)), { concurrency })
        failed = done.filter((isDone) => !isDone).length
      } else {
        // One of many that fails is told of, and ends no other.
        const told = (work: JobLines.Work, error: GearmanError) =>
          works.length === 1 || error.reason._tag === "NoServer"
            ? Effect.fail(error)
            : Effect.andThen(
                Effect.sync(() => void failed++),
                Output.printError(`effect-gearman: ${isByLine ? "line" : "job"} ${work.number}: ${messageOf(error)}\n`)
              )
        const end = isByLine && given.lines && !given.background ? newline : new Uint8Array(0)
        if (given.background || isByLine) {
          const run = given.background ? queue : collect
          yield* Stream.fromIterable(works).pipe(
            Stream.mapEffect((work) => Effect.map(Effect.result(run(work, manner)), (result) => ({ work, result })), {
              concurrency
            }),
            Stream.runForEach(({ result, work }) =>
              bar.done(
                Result.isSuccess(result)
                  ? Output.print(Buffer.concat([result.success, end]))
                  : told(work, result.failure)
              )
            )
          )
        } else {
          const run = (work: JobLines.Work) =>
            Effect.catchTag(follow(work, manner, Output.print), "GearmanError", (error) => told(work, error))
          for (const work of works) yield* bar.done(run(work))
        }
      }
      if (failed > 0) return yield* new SomeFailed({ failed, total: works.length, what: "jobs failed" })
    })
    yield* Effect.provide(Effect.scoped(program), Client.layer({ servers, noServerTimeout: Servers.patience }))
  })
).pipe(
  Command.provide((given) => Servers.network(given)),
  Command.withDescription("Submit jobs and print their results"),
  Command.withExamples([
    { command: "effect-gearman submit reverse hello", description: "One job, its result on standard output" },
    { command: "effect-gearman submit wc < file", description: "The workload from standard input" },
    { command: "effect-gearman submit mail --background '{\"to\":1}'", description: "Prints the job's handle" },
    { command: "seq 100 | effect-gearman submit square --lines", description: "A hundred jobs at once" },
    { command: "effect-gearman submit reverse hello --json", description: "What happens to the job, for scripts" }
  ])
)
