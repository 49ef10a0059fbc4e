/**
 * `npm run demo`: the main job, on real sockets. Starts two job servers and two map
 * workers as processes of their own on loopback, maps a function over 1..10, and says
 * which worker did each item. Leaves nothing running, also when it is interrupted.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Schema from "effect/Schema"
import * as ChildProcess from "node:child_process"
import { fileURLToPath } from "node:url"
import * as Client from "../protocol/Client.ts"
import * as DistributedMap from "../protocol/DistributedMap.ts"
import * as Network from "../protocol/Network.ts"
import * as Admin from "./cli/Admin.ts"
import * as NodeNetwork from "./NodeNetwork.ts"

/** A process of the demo that ended before it was told to. */
class ChildEnded extends Schema.TaggedError<ChildEnded>("effect-gearman/demo/ChildEnded")("ChildEnded", {
  command: Schema.String,
  output: Schema.String
}) {
  override get message() {
    return `"${this.command}" ended by itself:\n${this.output}`
  }
}

const childScript = fileURLToPath(
  new URL(import.meta.url.endsWith(".ts") ? "./child.ts" : "./child.js", import.meta.url)
)
/** How long a child may take to stop in order. */
const patienceMillis = 5000
/** What shells give for a program that an interrupt ended. */
const interruptedExitCode = 130

const end = (child: ChildProcess.ChildProcess): Effect.Effect<void> =>
  Effect.callback((resume) => {
    if (child.exitCode !== null || child.signalCode !== null) return resume(Effect.void)
    const timer = setTimeout(() => child.kill("SIGKILL"), patienceMillis)
    child.once("exit", () => {
      clearTimeout(timer)
      resume(Effect.void)
    })
    child.kill("SIGTERM")
  })

/** Runs a command of `effect-gearman` as a process that ends with the scope. */
const start = Effect.fnUntraced(function* (...words: ReadonlyArray<string>) {
  const child = yield* Effect.acquireRelease(
    Effect.sync(() =>
      ChildProcess.spawn(process.execPath, [...process.execArgv, childScript, ...words], {
        stdio: ["pipe", "pipe", "pipe"]
      })
    ),
    end
  )
  let output = ""
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (text) => (output += text))
  const ended = Effect.callback<never, ChildEnded>((resume) => {
    const fail = () => resume(Effect.fail(new ChildEnded({ command: words.join(" "), output })))
    if (child.exitCode !== null || child.signalCode !== null) fail()
    else child.once("exit", fail)
  })
  return { child, ended }
})

/** A job server on a free port. */
const startServer = Effect.fnUntraced(function* (name: string) {
  const { child, ended } = yield* start("server", "--port", "0", "--job-handle-prefix", `H:${name}`)
  const listening = Effect.callback<Network.Address>((resume) => {
    child.stdout.on("data", (text) => {
      const port = /listening on .*:(\d+)/.exec(String(text))?.[1]
      if (port !== undefined) resume(Effect.succeed(Network.tcp("127.0.0.1", Number(port))))
    })
  })
  return { address: yield* Effect.raceFirst(listening, ended), ended }
})

/** A worker of all servers, once it has told each of them what it can do. */
const startWorker = Effect.fnUntraced(function* (name: string, servers: ReadonlyArray<Network.Address>) {
  return yield* start("map-worker", "--name", name, "--server", servers.map(Network.format).join())
})

const workersOf = (server: Network.Address) =>
  Effect.map(
    Admin.status(server),
    (rows) => rows.find((row) => row.function === DistributedMap.defaultFunctionName)?.workers ?? 0
  )

/** Waits until the server knows this many map workers. */
const untilServed = (server: Network.Address, count: number) =>
  Effect.repeat(
    Effect.tap(workersOf(server), () => Effect.sleep("20 millis")),
    { until: (workers) => workers >= count }
  )

const demo = Effect.gen(function* () {
  const servers = yield* Effect.all([startServer("sammy"), startServer("kenny")], { concurrency: "unbounded" })
  const addresses = servers.map((server) => server.address)
  const workers = yield* Effect.all([startWorker("sammy", addresses), startWorker("papag", addresses)])

  const say = Effect.gen(function* () {
    yield* Effect.forEach(addresses, (address) => untilServed(address, workers.length), { concurrency: "unbounded" })
    const numbers = Array.from({ length: 10 }, (_, index) => index + 1)
    const names = yield* DistributedMap.map(numbers, async (_, { worker }) => {
      // Something to do, so that one worker alone cannot be through before the other has begun.
      await new Promise((done) => setTimeout(done, 150))
      return worker
    }).pipe(Effect.provide(Client.layer({ servers: addresses })))
    return names.map((name, index) => ` ${numbers[index]} = ${name}\n`)
  })
  const lines = yield* Effect.raceFirst(say, Effect.raceAllFirst([...servers, ...workers].map(({ ended }) => ended)))
  process.stdout.write(`dmap says:\n${lines.join("")}`)
}).pipe(Effect.scoped, Effect.provide(NodeNetwork.layer))

NodeRuntime.runMain(demo, {
  teardown: (exit, onExit) =>
    onExit(Exit.isSuccess(exit) ? 0 : Cause.hasInterruptsOnly(exit.cause) ? interruptedExitCode : 1)
})
