/**
 * A long job that says how far it is: typed progress, a typed result, a typed error.
 */
import { Client, JobFunction, JobServer, MemoryNetwork, Network, Worker } from "effect-gearman"
import { Effect, Layer, Schema, Stream } from "effect"

class NotAnImage extends Schema.TaggedError<NotAnImage>("NotAnImage")("NotAnImage", { file: Schema.String }) {}

const thumbnail = JobFunction.make("thumbnail", {
  payload: Schema.Struct({ file: Schema.String, widths: Schema.Array(Schema.Int) }),
  success: Schema.Array(Schema.String),
  progress: Schema.String,
  error: NotAnImage
})

const makeOne = (file: string) => (width: number) => {
  const name = `${width}-${file}`
  return Effect.as(Effect.orDie(thumbnail.report(name)), name)
}
const handler = thumbnail.toLayer(({ file, widths }) =>
  file.endsWith(".txt") ? Effect.fail(new NotAnImage({ file })) : Effect.forEach(widths, makeOne(file))
)

const program = Effect.gen(function* () {
  const client = yield* Client.Client
  const job = yield* client.submit(thumbnail, { file: "cat.png", widths: [64, 128] })
  yield* Stream.runForEach(job.events, (event) =>
    Effect.sync(() => "value" in event && console.log(event._tag, event.value))
  )
  const failed = client.run(thumbnail, { file: "cat.txt", widths: [64] })
  yield* Effect.catchTag(failed, "NotAnImage", ({ file }) => Effect.sync(() => console.log(`${file} is no image`)))
})

const servers = ["sammy"]
const world = Layer.merge(Client.layer({ servers }), Layer.provide(handler, Worker.layer({ servers }))).pipe(
  Layer.provide(Layer.provideMerge(JobServer.layer({ address: Network.tcp("sammy") }), MemoryNetwork.layer))
)
await Effect.runPromise(Effect.provide(program, world))
