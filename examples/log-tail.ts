/**
 * A job whose result is a stream: lines arrive as the worker sends them. Whoever reads
 * slowly loses the oldest lines, and nobody else waits for him.
 */
import { Client, JobContext, JobFunction, JobServer, MemoryNetwork, Network, Packet, Worker } from "effect-gearman"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"

const tail = JobFunction.utf8("tail")

const handler = tail.toLayer((file) =>
  Effect.gen(function* () {
    const job = yield* JobContext.JobContext
    for (let line = 1; line <= 3; line++) {
      yield* job.data(Packet.toBytes(`${file}: line ${line}`))
      yield* Effect.sleep("10 millis")
    }
    return "end of file"
  })
)

const program = Effect.gen(function* () {
  const client = yield* Client.Client
  const job = yield* client.submit(tail, "access.log", { eventCapacity: 100, overflow: "dropOldest" })
  yield* Stream.runForEach(job.events, (event) =>
    Effect.sync(() => {
      if (event._tag === "Data") console.log(Packet.toText(event.data))
      if (event._tag === "Done") console.log(event.value)
    })
  )
})

const servers = ["sammy"]
const world = Layer.merge(Client.layer({ servers }), Layer.provide(handler, Worker.layer({ servers }))).pipe(
  Layer.provide(JobServer.layer({ address: Network.tcp("sammy") })),
  Layer.provide(MemoryNetwork.layer)
)
await Effect.runPromise(Effect.provide(program, world))
