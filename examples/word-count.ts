/**
 * Counts words by a distributed reduce: only sums travel back. The network is in memory
 * here; with `NodeNetwork.layer` in its place, servers and workers can be anywhere.
 */
import { Client, DistributedMap, JobServer, MemoryNetwork, Network, Worker } from "effect-gearman"
import { MapSandbox } from "effect-gearman/node"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
const lines = ["to be or not to be", "that is the question", "whether 'tis nobler"]

const program = Effect.gen(function* () {
  const counts = yield* DistributedMap.reduce(
    lines,
    (line) => {
      const words = new Map<string, number>()
      for (const word of line.split(" ")) words.set(word, (words.get(word) ?? 0) + 1)
      return words
    },
    (left, right) => {
      for (const [word, count] of right) left.set(word, (left.get(word) ?? 0) + count)
      return left
    },
    { batch: 2, idempotent: true }
  )
  const frequent = [...Option.getOrThrow(counts)].filter(([, count]) => count > 1)
  console.log(frequent.map(([word, count]) => `${word}: ${count}`).join("\n"))
})
const servers = ["sammy"]
const worker = DistributedMap.serve().pipe(
  Layer.provide(MapSandbox.layer({ slots: 2, memoryLimitMebibytes: 64 })),
  Layer.provide(Worker.layer({ servers, concurrency: 2 }))
)
const world = Layer.mergeAll(Client.layer({ servers }), worker).pipe(
  Layer.provide(JobServer.layer({ address: Network.tcp("sammy") })),
  Layer.provide(MemoryNetwork.layer)
)
await Effect.runPromise(Effect.provide(program, world))
