/**
 * `map` and `map-worker`: the distributed map from the shell, and a worker that serves
 * it by running the code that clients send.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Os from "node:os"
import * as Client from "../../protocol/Client.ts"
import * as DistributedMap from "../../protocol/DistributedMap.ts"
import * as Worker from "../../protocol/Worker.ts"
import * as MapSandbox from "../map/MapSandbox.ts"
import * as Output from "./Output.ts"
import * as Servers from "./servers.ts"

/** A text that is no function. */
class NoFunction extends Schema.TaggedError<NoFunction>("effect-gearman/cli/NoFunction")("NoFunction", {
  source: Schema.String,
  problem: Schema.String
}) {
  override get message() {
    return `"${this.source}" is no function (${this.problem}); write one as in 'n => n * 2'`
  }
}

type Any = (item: unknown) => any

/** The text is the user's own, on the user's own machine, and is not called here. */
const toFunction = (source: string): Effect.Effect<Any, NoFunction> =>
  Effect.flatMap(
    Effect.try({
      try: () => new Function(`return (${source}\n)`)() as unknown,
      catch: (cause) => new NoFunction({ source, problem: (cause as Error).message })
    }),
    (value) =>
      typeof value === "function"
        ? Effect.succeed(value as Any)
        : Effect.fail(new NoFunction({ source, problem: `it is a ${typeof value}` }))
  )

/** `1..10` is ten numbers; what is JSON is its value; anything else is a text. */
const toItems = (text: string): ReadonlyArray<unknown> => {
  const range = /^(-?\d+)\.\.(-?\d+)$/.exec(text)
  if (range !== null) {
    const [from, to] = [Number(range[1]), Number(range[2])]
    return Array.from({ length: Math.max(0, to - from + 1) }, (_, index) => from + index)
  }
  try {
    return [JSON.parse(text)]
  } catch {
    return [text]
  }
}

const show = (value: unknown): string =>
  typeof value === "string"
    ? value
    : (JSON.stringify(value, (_, inner: unknown) => (typeof inner === "bigint" ? String(inner) : inner)) ??
      String(value))

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
      Argument.withDescription("Items: JSON, a range such as 1..10, or text; without any, the lines of standard input"),
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
    window: Flag.Int("window").pipe(Flag.withDescription("Items under way at once"), Flag.withDefault(100)),
    timeLimit: Flag.Finite("time-limit").pipe(
      Flag.withMetavar("SECONDS"),
      Flag.withDescription("Time one item may run"),
      Flag.optional
    ),
    functionName
  },
  Effect.fnUntraced(function* (given) {
    const servers = yield* Servers.resolve(given)
    const fn = yield* toFunction(given.source)
    const texts =
      given.items.length > 0
        ? given.items
        : Buffer.from(yield* Output.readInput)
            .toString()
            .split("\n")
            .filter((line) => line !== "")
    const options = {
      window: given.window,
      functionName: given.functionName,
      timeLimit: Option.getOrUndefined(Option.map(given.timeLimit, (seconds) => seconds * 1_000)),
      ...(given.idempotent ? { idempotent: true as const } : {})
    }
    const items = texts.flatMap(toItems)
    const results: Effect.Effect<ReadonlyArray<unknown>, DistributedMap.MapError<"fail">, Client.Client> = given.flat
      ? DistributedMap.flatMap(items, fn, options)
      : DistributedMap.map(items, fn, options)
    const lines = yield* Effect.provide(results, Client.layer({ servers }))
    yield* Output.print(lines.map((value) => `${show(value)}\n`).join(""))
  })
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
    concurrency: Flag.Int("concurrency").pipe(
      Flag.withAlias("c"),
      Flag.withDescription("Items that run at once, each in a process of its own"),
      Flag.withDefault(1)
    ),
    timeLimit: Flag.Finite("time-limit").pipe(
      Flag.withMetavar("SECONDS"),
      Flag.withDescription("Time one item may run"),
      Flag.withDefault(60)
    ),
    memoryLimit: Flag.Int("memory-limit").pipe(
      Flag.withMetavar("MIB"),
      Flag.withDescription("Memory one item may use"),
      Flag.withDefault(256)
    ),
    drainTimeout: Flag.Finite("drain-timeout").pipe(
      Flag.withMetavar("SECONDS"),
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
          memoryLimitMebibytes: given.memoryLimit
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
    return yield* Layer.launch(layer)
  })
).pipe(
  Command.provide((given) => Servers.network(given)),
  Command.withDescription(
    "Serve the distributed map. DANGER: this runs whatever JavaScript the clients of its job servers send. Its limits " +
      "on time, memory and permissions are there for accidents, not for attacks: run it only where every client is trusted"
  ),
  Command.withShortDescription("Serve the distributed map: runs the code that clients send")
)
