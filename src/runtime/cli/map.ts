/**
 * `map` and `map-worker`: the distributed map from the shell, and a worker that serves
 * it by running the code that clients send.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Os from "node:os"
import * as Util from "node:util"
import * as Client from "../../protocol/Client.ts"
import * as DistributedMap from "../../protocol/DistributedMap.ts"
import { GearmanError } from "../../protocol/GearmanError.ts"
import * as Worker from "../../protocol/Worker.ts"
import * as MapSandbox from "../map/MapSandbox.ts"
import * as Numbers from "./Numbers.ts"
import * as Output from "./Output.ts"
import * as Progress from "./Progress.ts"
import * as Servers from "./servers.ts"
import { SomeFailed } from "./SomeFailed.ts"
import { Usage } from "./Usage.ts"
import { messageOf } from "./Wording.ts"

/** A text that is no function. */
class NoFunction extends Schema.TaggedError<NoFunction>("effect-gearman/cli/NoFunction")("NoFunction", {
  source: Schema.String,
  problem: Schema.String
}) {
  override get message() {
    return `"${this.source}" is no function (${this.problem}); write one as in 'n => n * 2'`
  }
}

/** The text is the user's own, on the user's own machine, and is not called here. */
const toFunction = (source: string): Effect.Effect<DistributedMap.MapFunction<unknown, unknown>, NoFunction> =>
  Effect.flatMap(
    Effect.try({
      try: () => new Function(`return (${source}\n)`)() as unknown,
      catch: (cause) => new NoFunction({ source, problem: (cause as Error).message })
    }),
    (value) =>
      typeof value === "function"
        ? Effect.succeed(value as DistributedMap.MapFunction<unknown, unknown>)
        : Effect.fail(new NoFunction({ source, problem: `it is a ${typeof value}` }))
  )

/** What is JSON is its value; anything else is a text. */
const toItem = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

/** All items are held at once. */
const longestRange = 1_000_000

/** `1..10` among the arguments is ten numbers, `10..1` the same from the other end, as in shells. */
const toItems = (text: string): Effect.Effect<ReadonlyArray<unknown>, Usage> => {
  const range = /^(-?\d+)\.\.(-?\d+)$/.exec(text)
  if (range === null) {
    if (!/^-?\d+\.\./.test(text)) return Effect.succeed([toItem(text)])
    const problem = `"${text}" is no range; write one as in 1..10, or, where the text itself is meant, '${JSON.stringify(text)}'`
    return Effect.fail(new Usage({ problem }))
  }
  const [from, to] = [Number(range[1]), Number(range[2])]
  const length = Math.abs(to - from) + 1
  if (length > longestRange) {
    const problem = `"${text}" has more than ${longestRange} items; give it in parts, or the lines of seq on standard input`
    return Effect.fail(new Usage({ problem }))
  }
  const step = from <= to ? 1 : -1
  return Effect.succeed(Array.from({ length }, (_, index) => from + step * index))
}

const linesOf = (input: Uint8Array): ReadonlyArray<unknown> =>
  Buffer.from(input)
    .toString()
    .split("\n")
    .filter((line) => line !== "")
    .map(toItem)

/** Text as it is, JSON where JSON can tell it, and else what Node shows. */
const show = (value: unknown): string => {
  if (typeof value === "string") return value
  const json = isJson(value) ? JSON.stringify(value) : undefined
  return (
    json ?? Util.inspect(value, { depth: null, breakLength: Infinity, maxArrayLength: null, maxStringLength: null })
  )
}

/** Nothing within itself is JSON. */
const isJson = (value: unknown, around: ReadonlyArray<unknown> = []): boolean =>
  value === null ||
  ["string", "boolean"].includes(typeof value) ||
  Number.isFinite(value) ||
  (typeof value === "object" &&
    (Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype) &&
    !around.includes(value) &&
    Object.values(value).every((inner) => isJson(inner, [...around, value])))

const isNoServer = (cause: unknown): cause is GearmanError =>
  cause instanceof GearmanError && cause.reason._tag === "NoServer"

const functionName = Flag.String("function-name").pipe(
  Flag.withDescription("The Gearman function that carries the map"),
  Flag.withDefault(DistributedMap.defaultFunctionName)
)

/** The command `map`. */
export const map = Command.make(
  "map",
  {
    ...Servers.flags,
    source: Argument.String("function").pipe(
      Argument.withDescription("A JavaScript function of one item; it sees nothing of this machine but its item")
    ),
    items: Argument.String("item").pipe(
      Argument.withDescription(
        "Items: JSON, a range such as 1..10 or 10..1, or text; without any, the lines of standard input"
      ),
      Argument.atLeast(0)
    ),
    flat: Flag.Boolean("flat").pipe(
      Flag.withDescription("The function gives several values per item, or none"),
      Flag.withDefault(false)
    ),
    idempotent: Flag.Boolean("idempotent").pipe(
      Flag.withDescription("Items may run twice: they are submitted again when their job server is lost"),
      Flag.withDefault(false)
    ),
    keepGoing: Flag.Boolean("keep-going").pipe(
      Flag.withAlias("k"),
      Flag.withDescription("Tell of items that fail on standard error and go on; the exit code is then 1"),
      Flag.withDefault(false)
    ),
    window: Numbers.Count("window").pipe(Flag.withDescription("Items under way at once"), Flag.withDefault(100)),
    timeLimit: Numbers.Seconds("time-limit").pipe(Flag.withDescription("Time one item may run"), Flag.optional),
    functionName
  },
  Effect.fnUntraced(function* (given) {
    const servers = yield* Servers.resolve(given)
    const fn = yield* toFunction(given.source)
    const items =
      given.items.length > 0 ? (yield* Effect.forEach(given.items, toItems)).flat() : linesOf(yield* Output.readInput)
    const options = {
      window: given.window,
      functionName: given.functionName,
      onFailure: "collect" as const,
      timeLimit: Option.getOrUndefined(Option.map(given.timeLimit, (seconds) => seconds * 1_000)),
      ...(given.idempotent ? { idempotent: true as const } : {})
    }
    let failed = 0
    const results = given.flat
      ? DistributedMap.flatMapStream(
          Stream.fromIterable(items),
          fn as DistributedMap.FlatMapFunction<unknown, unknown>,
          options
        )
      : Stream.map(DistributedMap.mapStream(Stream.fromIterable(items), fn, options), (result) =>
          Result.map(result, (value) => [value])
        )
    const bar = yield* Progress.make(items.length)
    yield* results.pipe(
      Stream.runForEach(
        Effect.fnUntraced(function* (result) {
          if (Result.isSuccess(result)) {
            return yield* bar.done(Output.print(result.success.map((value) => `${show(value)}\n`).join("")))
          }
          const { failure } = result
          // No item is to blame when nobody can be reached.
          if (failure._tag === "ItemFailed" && isNoServer(failure.cause)) return yield* failure.cause
          if (!given.keepGoing) return yield* failure
          failed++
          return yield* bar.done(Output.printError(`effect-gearman: ${messageOf(failure)}\n`))
        })
      ),
      Effect.provide(Client.layer({ servers, noServerTimeout: Servers.patience }))
    )
    if (failed > 0) return yield* new SomeFailed({ failed, total: items.length, what: "items failed" })
  }, Effect.scoped)
).pipe(
  Command.provide((given) => Servers.network(given)),
  Command.withDescription(
    "Apply a function to items on whatever map workers there are; results come in the order of the items"
  ),
  Command.withExamples([
    { command: "effect-gearman map 'n => n * n' 1..10", description: "Ten squares" },
    { command: "effect-gearman map --flat 's => s.split(\" \")' < text", description: "Each line's words" }
  ])
)

/** The command `map-worker`. */
export const mapWorker = Command.make(
  "map-worker",
  {
    ...Servers.flags,
    name: Flag.String("name").pipe(
      Flag.withDescription("The worker's name, for `workers` and for the functions it runs [the host's name]"),
      Flag.withDefault(Os.hostname())
    ),
    concurrency: Numbers.Count("concurrency").pipe(
      Flag.withAlias("c"),
      Flag.withDescription("Items that run at once, each in a process of its own"),
      Flag.withDefault(1)
    ),
    timeLimit: Numbers.Seconds("time-limit").pipe(Flag.withDescription("Time one item may run"), Flag.withDefault(60)),
    unrestricted: Flag.Boolean("unrestricted").pipe(
      Flag.withDescription("Let functions read and write files and start programs; by default they cannot"),
      Flag.withDefault(false)
    ),
    memoryLimit: Numbers.Count("memory-limit").pipe(
      Flag.withMetavar("MIB"),
      Flag.withDescription("Memory one item may use"),
      Flag.withDefault(256)
    ),
    drainTimeout: Numbers.SecondsOrNone("drain-timeout").pipe(
      Flag.withDescription("On SIGTERM, time that running items have to finish before they are handed back"),
      Flag.withDefault(30)
    ),
    functionName
  },
  Effect.fnUntraced(function* (given) {
    const servers = yield* Servers.resolve(given)
    const layer = DistributedMap.serve({ functionName: given.functionName }).pipe(
      Layer.provide(
        MapSandbox.layer({
          worker: given.name,
          slots: given.concurrency,
          timeLimit: given.timeLimit * 1_000,
          memoryLimitMebibytes: given.memoryLimit,
          permissions: given.unrestricted ? "all" : "none"
        })
      ),
      Layer.provide(
        Worker.layer({
          servers,
          concurrency: given.concurrency,
          clientId: given.name.replaceAll(/\s+/g, "-"),
          drainTimeout: given.drainTimeout * 1_000
        })
      )
    )
    yield* Effect.forkChild(Servers.warnUnreachable(servers))
    return yield* Layer.launch(layer)
  })
).pipe(
  Command.provide((given) => Servers.network(given)),
  Command.withDescription(
    "Serve the distributed map. DANGER: this runs whatever JavaScript the clients of its job servers send. Its limits " +
      "on time, memory and permissions are there for accidents, not for attacks: run it only where every client is trusted"
  ),
  Command.withShortDescription("Serve the distributed map: runs the code that clients send"),
  Command.withExamples([
    { command: "effect-gearman map-worker --concurrency 4", description: "Four items at once, each in a process" }
  ])
)
