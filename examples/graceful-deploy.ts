/**
 * A new version of a worker replaces the old one while jobs run. Closing a worker stops
 * taking jobs, finishes those that run, and hands back what does not end in time.
 */
import { Client, JobFunction, JobServer, MemoryNetwork, Network, Worker } from "effect-gearman"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"

const servers = ["sammy"]
const convert = JobFunction.utf8("convert")

const start = (version: string) =>
  Effect.gen(function* () {
    const scope = yield* Scope.fork(yield* Effect.scope)
    const handler = convert.toLayer((file) => Effect.delay(Effect.succeed(`${file} by ${version}`), "500 millis"))
    const worker = Worker.layer({ servers, concurrency: 2, drainTimeout: "10 seconds" })
    yield* Layer.buildWithScope(Layer.provide(handler, worker), scope)
    return scope
  })

const program = Effect.gen(function* () {
  const client = yield* Client.Client
  const files = ["a", "b", "c", "d"]
  const old = yield* start("version 1")
  const jobs = yield* Effect.forkChild(Effect.forEach(files, (file) => client.run(convert, file), { concurrency: 4 }))
  yield* Effect.sleep("200 millis")
  yield* start("version 2")
  yield* Scope.close(old, Exit.void)
  console.log((yield* Fiber.join(jobs)).join("\n"))
})

const world = Client.layer({ servers }).pipe(
  Layer.provide(JobServer.layer({ address: Network.tcp("sammy") })),
  Layer.provideMerge(MemoryNetwork.layer)
)
await Effect.runPromise(Effect.provide(Effect.scoped(program), world))
