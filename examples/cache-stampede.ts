/**
 * A thousand callers want the same page at once. It is rendered once, and all get it.
 */
import { Client, JobFunction, JobServer, MemoryNetwork, Network, Worker } from "effect-gearman"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

const render = JobFunction.utf8("render", { unique: (page) => page, idempotent: true })

let renderings = 0
const handler = render.toLayer((page) =>
  Effect.sync(() => {
    renderings++
    return `<h1>${page}</h1>`
  }).pipe(Effect.delay("100 millis"))
)

const program = Effect.gen(function* () {
  // Three clients of their own, as in three processes: the job server merges between them.
  const clients = yield* Effect.all([Client.make({ servers }), Client.make({ servers }), Client.make({ servers })])
  const pages = yield* Effect.forEach(
    Array.from({ length: 1000 }, (_, index) => clients[index % clients.length]!),
    (client) => client.run(render, "front page"),
    { concurrency: "unbounded" }
  )
  console.log(`${pages.length} callers, ${new Set(pages).size} page, ${renderings} rendering`)
})

const servers = ["sammy"]
const world = Layer.provide(handler, Worker.layer({ servers })).pipe(
  Layer.provide(JobServer.layer({ address: Network.tcp("sammy") })),
  Layer.provideMerge(MemoryNetwork.layer)
)
await Effect.runPromise(Effect.scoped(Effect.provide(program, world)))
