/**
 * A map that goes on when items fail: each has its own place among the results, with its
 * value or with what went wrong. An item that would run for ever costs itself only.
 */
import { Client, DistributedMap, JobServer, MemoryNetwork, Network, Worker } from "effect-gearman"
import { MapSandbox } from "effect-gearman/node"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"

const least = 1

const program = Effect.gen(function* () {
  const results = yield* DistributedMap.map(
    [1, 4, -1, Number.POSITIVE_INFINITY, 9],
    (n) => {
      if (n < least) throw new RangeError(`${n} is less than ${least}`)
      let steps = 0
      for (let rest = n; rest >= 1; rest /= 2) steps++
      return steps
    },
    { captures: { least }, onFailure: "collect", timeLimit: "1 second" }
  )
  for (const result of results) {
    console.log(Result.isSuccess(result) ? result.success : result.failure.message)
  }
})

const servers = ["sammy:4730"]
const worker = DistributedMap.serve().pipe(
  Layer.provide(MapSandbox.layer({ slots: 2, memoryLimitMebibytes: 64 })),
  Layer.provide(Worker.layer({ servers, concurrency: 2 }))
)
const world = Layer.mergeAll(Client.layer({ servers }), worker).pipe(
  Layer.provide(JobServer.layer({ address: Network.tcp("sammy") })),
  Layer.provide(MemoryNetwork.layer)
)
await Effect.runPromise(Effect.provide(program, world))
