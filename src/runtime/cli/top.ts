/**
 * `top`: functions, workers, wait times and what is stuck, live on a terminal; anywhere
 * else one look, as text, or a line of JSON for each. It looks through the text protocol, so it serves for gearmand
 * as well, which tells less.
 */
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import type * as Scope from "effect/Scope"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import type * as Network from "../../protocol/Network.ts"
import * as Admin from "./Admin.ts"
import { look } from "./Diagnosis.ts"
import * as Numbers from "./Numbers.ts"
import * as Output from "./Output.ts"
import * as Servers from "./servers.ts"
import * as TopView from "./TopView.ts"

type Event =
  | { readonly _tag: "Looked"; readonly found: TopView.Found }
  | { readonly _tag: "Key"; readonly key: TopView.Key }
  | { readonly _tag: "Resized" }

const lookAtAll = Effect.fnUntraced(function* (addresses: ReadonlyArray<Network.Address>) {
  const [found, workers] = yield* Effect.all(
    [
      look(addresses),
      // Who cannot be asked is told of by the other look.
      Effect.forEach(addresses, (address) => Effect.orElseSucceed(Admin.workers(address), () => []), {
        concurrency: "unbounded"
      })
    ],
    { concurrency: "unbounded" }
  )
  return { ...found, workers: workers.flat().filter((row) => row.functions.length > 0) }
})

/** Takes over the screen, and gives it back in any case. */
const takeScreen = Effect.acquireRelease(Output.print("\u001b[?1049h\u001b[?25l"), () =>
  Output.print("\u001b[?25h\u001b[?1049l")
)

/** Keys and sizes, as they come; the terminal is as it was when the scope closes. */
const listen = (events: Queue.Queue<Event>): Effect.Effect<void, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const { stdin, stdout } = process
      const onData = (bytes: Buffer) => {
        for (const key of TopView.keysOf(bytes.toString("latin1"))) Queue.offerUnsafe(events, { _tag: "Key", key })
      }
      const onResize = () => void Queue.offerUnsafe(events, { _tag: "Resized" })
      stdout.on("resize", onResize)
      if (stdin.isTTY) {
        stdin.setRawMode(true)
        stdin.on("data", onData)
      }
      return { onData, onResize }
    }),
    ({ onData, onResize }) =>
      Effect.sync(() => {
        const { stdin, stdout } = process
        stdout.off("resize", onResize)
        if (!stdin.isTTY) return
        stdin.off("data", onData)
        stdin.setRawMode(false)
        // A terminal that is read keeps the process alive.
        stdin.pause()
      })
  ).pipe(Effect.asVoid)

/** Some terminals do not know their size, and tell 0. */
const sizeOf = ({ columns, rows }: NodeJS.WriteStream): TopView.Size => ({ columns: columns || 80, rows: rows || 24 })

/** In one write, line over line, so that nothing flickers. */
const draw = (state: TopView.State) =>
  Output.print(`\u001b[H${TopView.screen(state, sizeOf(process.stdout)).join("\u001b[K\r\n")}\u001b[K\u001b[J`)

const watchLive = Effect.fnUntraced(function* (
  addresses: ReadonlyArray<Network.Address>,
  intervalMillis: number,
  count: number
) {
  const events = yield* Queue.unbounded<Event>()
  yield* takeScreen
  yield* listen(events)
  const looking = Effect.flatMap(lookAtAll(addresses), (found) => Queue.offer(events, { _tag: "Looked", found }))
  yield* Effect.forkScoped(Effect.forever(Effect.andThen(looking, Effect.sleep(intervalMillis))))
  let state = TopView.initial
  for (let looks = 0; looks < count;) {
    const event = yield* Queue.take(events)
    if (event._tag === "Key" && event.key === "quit") return
    if (event._tag === "Key") state = TopView.pressed(state, event.key, sizeOf(process.stdout).rows)
    if (event._tag === "Looked") {
      looks++
      state = TopView.looked(state, event.found)
    }
    yield* draw(state)
  }
}, Effect.scoped)

/** Prints look after look. Servers that are lost on the way end it, unless whoever reads is told so and goes on. */
const printEach = (print: (state: TopView.State) => Effect.Effect<void>, endsWhenLost: boolean) =>
  Effect.fnUntraced(function* (addresses: ReadonlyArray<Network.Address>, intervalMillis: number, count: number) {
    let state = TopView.initial
    for (let looks = 1; looks <= count; looks++) {
      const found = yield* lookAtAll(addresses)
      state = TopView.looked(state, found)
      if ((looks === 1 || endsWhenLost) && found.failure !== undefined) return yield* found.failure
      yield* print(state)
      if (looks < count) yield* Effect.sleep(intervalMillis)
    }
  })

const printLooks = printEach((state) => Output.print(TopView.page(state)), true)

/** An object a line, which tells of lost servers too. */
const printSnapshots = printEach(
  (state) =>
    Effect.flatMap(DateTime.now, (now) =>
      Output.printLine(JSON.stringify({ time: DateTime.formatIso(now), ...TopView.snapshot(state) }))
    ),
  false
)

/** The command. */
export const top = Command.make(
  "top",
  {
    ...Servers.flags,
    interval: Numbers.Pause("interval").pipe(Flag.withDescription("Time between two looks"), Flag.withDefault(1)),
    count: Numbers.Count("count").pipe(
      Flag.withDescription("Stop after this many looks; one where nobody looks on and no JSON is asked for"),
      Flag.optional
    ),
    json: Flag.Boolean("json").pipe(
      Flag.withDescription("Print each look as a JSON object on a line, until it is stopped or --count is reached"),
      Flag.withDefault(false)
    )
  },
  Effect.fnUntraced(function* (given) {
    const addresses = yield* Servers.resolve(given)
    const isTerminal = process.stdout.isTTY === true
    const count = Option.getOrElse(given.count, () => (isTerminal || given.json ? Number.POSITIVE_INFINITY : 1))
    const watch = given.json ? printSnapshots : isTerminal ? watchLive : printLooks
    yield* watch(addresses, given.interval * 1_000, count)
  })
).pipe(
  Command.provide((given) => Servers.network(given)),
  Command.withDescription(
    "Watch functions, workers, wait times and what is stuck. Keys: q ends it, w shows workers, s sorts, p pauses, arrows scroll"
  ),
  Command.withExamples([
    { command: "effect-gearman top --server sammy,kenny", description: "Two servers at once" },
    { command: "effect-gearman top | head -1", description: "One look, as text" },
    { command: "effect-gearman top --json --interval 10", description: "A line every ten seconds, for scripts" }
  ])
)
