/**
 * The smallest whole: a function, a worker that serves it, a client that calls it, and
 * the job server between them, on real sockets.
 */
import { Client, JobFunction, JobServer, Network, Worker } from "effect-gearman"
import { NodeNetwork } from "effect-gearman/node"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

const reverse = JobFunction.utf8("reverse")

const program = Effect.gen(function* () {
  const client = yield* Client.Client
  console.log(yield* client.run(reverse, "hello"))
})

const world = Layer.unwrap(
  Effect.gen(function* () {
    // Port 0 is any free one.
    const { address } = yield* JobServer.JobServer
    const worker = Worker.layer({ servers: [address] })
    const handler = reverse.toLayer((text) => Effect.succeed([...text].reverse().join("")))
    return Layer.merge(Client.layer({ servers: [address] }), Layer.provide(handler, worker))
  })
).pipe(Layer.provide(JobServer.layer({ address: Network.tcp("127.0.0.1", 0) })), Layer.provide(NodeNetwork.layer))

await Effect.runPromise(Effect.provide(program, world))
