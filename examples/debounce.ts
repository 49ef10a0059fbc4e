/**
 * Reindexing a document once, however often it is saved within a second: a delayed job
 * with a unique takes all further submissions in.
 */
import { Client, JobFunction, JobServer, MemoryNetwork, Network, Worker } from "effect-gearman"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

const reindex = JobFunction.utf8("reindex", { unique: (document) => document, idempotent: true })

const handler = reindex.toLayer((document) =>
  Effect.as(
    Effect.sync(() => console.log(`reindexing ${document}`)),
    ""
  )
)

const program = Effect.gen(function* () {
  const client = yield* Client.Client
  const handles = yield* Effect.forEach([1, 2, 3, 4, 5], () =>
    client.background(reindex, "report.md", { after: "1 second" })
  )
  console.log(`5 saves, ${new Set(handles.map(({ handle }) => handle)).size} job`)
  yield* Effect.sleep("2500 millis")
})

const servers = ["sammy"]
const world = Layer.merge(Client.layer({ servers }), Layer.provide(handler, Worker.layer({ servers }))).pipe(
  Layer.provide(JobServer.layer({ address: Network.tcp("sammy") })),
  Layer.provide(MemoryNetwork.layer)
)
await Effect.runPromise(Effect.provide(program, world))
