/**
 * `submit`: a job from an argument, from standard input, or one per line of it. The
 * letters are those of the `gearman` tool.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Client from "../../protocol/Client.ts"
import * as JobFunction from "../../protocol/JobFunction.ts"
import * as Numbers from "./Numbers.ts"
import * as Output from "./Output.ts"
import * as Servers from "./servers.ts"

const flags = {
  function: Argument.String("function").pipe(Argument.withDescription("The function's name")),
  workload: Argument.String("workload").pipe(
    Argument.withDescription("The job's input; without it, standard input is read"),
    Argument.optional
  ),
  background: Flag.Boolean("background").pipe(
    Flag.withAlias("b"),
    Flag.withDescription("Do not wait for the result; print the job's handle"),
    Flag.withDefault(false)
  ),
  unique: Flag.String("unique").pipe(
    Flag.withAlias("u"),
    Flag.withDescription("Equal uniques share one job; - takes the workload itself"),
    Flag.optional
  ),
  priority: Flag.Literals("priority", ["high", "normal", "low"]).pipe(
    Flag.withDescription("The job's priority"),
    Flag.withDefault("normal")
  ),
  high: Flag.Boolean("high").pipe(
    Flag.withAlias("I"),
    Flag.withDescription("The same as --priority high"),
    Flag.withDefault(false)
  ),
  low: Flag.Boolean("low").pipe(
    Flag.withAlias("L"),
    Flag.withDescription("The same as --priority low"),
    Flag.withDefault(false)
  ),
  progress: Flag.Boolean("progress").pipe(
    Flag.withDescription("Show the job's progress on standard error"),
    Flag.withDefault(false)
  ),
  lines: Flag.Boolean("lines").pipe(
    Flag.withAlias("n"),
    Flag.withDescription("Submit each line of standard input as a job; results come in the order of the lines"),
    Flag.withDefault(false)
  ),
  timeout: Numbers.Seconds("timeout").pipe(
    Flag.withAlias("t"),
    Flag.withDescription("Time to wait for the result"),
    Flag.optional
  ),
  concurrency: Numbers.Count("concurrency").pipe(
    Flag.withDescription("Jobs under way at once with --lines"),
    Flag.withDefault(100)
  )
}

const linesOf = (input: Uint8Array): ReadonlyArray<Uint8Array> => {
  const lines: Array<Uint8Array> = []
  for (let start = 0; start < input.length;) {
    const newline = input.indexOf(10, start)
    const end = newline < 0 ? input.length : newline
    lines.push(input.subarray(start, end))
    start = end + 1
  }
  return lines
}

/** Runs one job, printing what it says on the way, and gives its result. */
const follow = Effect.fnUntraced(function* (
  fn: JobFunction.JobFunction<string, Uint8Array, Uint8Array>,
  workload: Uint8Array,
  options: Client.SubmitOptions,
  isProgressShown: boolean
) {
  const client = yield* Client.Client
  const job = yield* client.submit(fn, workload, options)
  yield* Stream.runForEach(job.events, (event) => {
    switch (event._tag) {
      case "Data":
        return Output.print(event.data)
      case "Warning":
        return Output.printError(event.data)
      case "Status":
        return isProgressShown ? Output.printError(`${event.numerator}/${event.denominator}\n`) : Effect.void
      case "Done":
        return Output.print(event.value)
      default:
        return Effect.void
    }
  })
})

export const submit = Command.make(
  "submit",
  { ...Servers.flags, ...flags },
  Effect.fnUntraced(function* (given) {
    const servers = yield* Servers.resolve(given)
    const fn = JobFunction.bytes(given.function)
    const timeout = Option.match(given.timeout, {
      onNone: () => ({}),
      onSome: (seconds) => ({ timeout: seconds * 1_000 })
    })
    const options = {
      ...timeout,
      priority: given.high ? ("high" as const) : given.low ? ("low" as const) : given.priority,
      unique: Option.getOrUndefined(given.unique)
    }
    const one = Effect.fnUntraced(function* (workload: Uint8Array) {
      if (!given.background) return yield* follow(fn, workload, options, given.progress)
      const client = yield* Client.Client
      const { handle } = yield* client.background(fn, workload, options)
      yield* Output.printLine(handle)
    })
    const program = Effect.gen(function* () {
      if (!given.lines) {
        return yield* one(Option.isSome(given.workload) ? Buffer.from(given.workload.value) : yield* Output.readInput)
      }
      const lines = linesOf(yield* Output.readInput)
      const client = yield* Client.Client
      if (given.background) return yield* Effect.forEach(lines, one, { discard: true })
      yield* Stream.fromIterable(lines).pipe(
        Stream.mapEffect((line) => client.run(fn, line, options), { concurrency: given.concurrency }),
        Stream.runForEach((result) => Output.print(Buffer.concat([result, Buffer.from("\n")])))
      )
    })
    yield* Effect.provide(program, Client.layer({ servers, noServerTimeout: Servers.patience }))
  })
).pipe(
  Command.provide((given) => Servers.network(given)),
  Command.withDescription("Submit a job and print its result"),
  Command.withExamples([
    { command: "effect-gearman submit reverse hello", description: "One job, its result on standard output" },
    { command: "effect-gearman submit wc < file", description: "The workload from standard input" },
    { command: "effect-gearman submit mail --background '{\"to\":1}'", description: "Prints the job's handle" },
    { command: "seq 100 | effect-gearman submit square --lines", description: "A hundred jobs at once" }
  ])
)
