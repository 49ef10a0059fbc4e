/**
 * A job that fails now and then is tried again, later each time. What cannot be retried
 * without harm is told apart by its type.
 */
import { Client, JobFunction, JobServer, MemoryNetwork, Network, Worker } from "effect-gearman"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"

const fetchPage = JobFunction.utf8("fetch", {
  idempotent: true,
  timeout: "10 seconds",
  retry: Schedule.exponential("10 millis").pipe(Schedule.jittered, Schedule.upTo({ times: 5 }))
})

let attempts = 0
const handler = fetchPage.toLayer((url) =>
  ++attempts < 3 ? Effect.fail(new Worker.JobFail()) : Effect.succeed(`<html>${url}</html>`)
)

const program = Effect.gen(function* () {
  const client = yield* Client.Client
  const page = client.run(fetchPage, "example.org").pipe(
    Effect.catchReason("GearmanError", "JobFailed", () => Effect.succeed("it failed each time")),
    Effect.catchReason("GearmanError", "Ambiguous", () => Effect.succeed("nobody knows"))
  )
  console.log(yield* page)
  console.log(`after ${attempts} attempts`)
})

const servers = ["sammy"]
const world = Layer.merge(Client.layer({ servers }), Layer.provide(handler, Worker.layer({ servers }))).pipe(
  Layer.provide(JobServer.layer({ address: Network.tcp("sammy") })),
  Layer.provide(MemoryNetwork.layer)
)
await Effect.runPromise(Effect.provide(program, world))
