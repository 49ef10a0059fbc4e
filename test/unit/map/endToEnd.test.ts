/**
 * The distributed map over the real job server, worker and client, in one process and on
 * a network in memory: values, failures, merging, and a job server that is lost.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as Client from "../../../src/protocol/Client.ts"
import * as DistributedMap from "../../../src/protocol/DistributedMap.ts"
import * as JobServer from "../../../src/protocol/JobServer.ts"
import * as MemoryNetwork from "../../../src/protocol/MemoryNetwork.ts"
import * as Network from "../../../src/protocol/Network.ts"
import * as Worker from "../../../src/protocol/Worker.ts"

const addresses = [Network.tcp("sammy"), Network.tcp("kenny")]

/** Counts what is evaluated, each of which takes a while. */
const countingEvaluator = (worker: string, seen: Array<string>) =>
  Layer.effect(
    DistributedMap.MapEvaluator,
    Effect.map(DistributedMap.MapEvaluator, (evaluator) => ({
      evaluate: (shipment: DistributedMap.Shipment) =>
        Effect.suspend(() => {
          seen.push(worker)
          return Effect.delay(evaluator.evaluate(shipment), "10 millis")
        })
    }))
  ).pipe(Layer.provide(DistributedMap.layerUnsafe({ worker })))

const fleet = (seen: Array<string>) => {
  const servers = addresses.map((address) => Layer.effectDiscard(Effect.forkScoped(JobServer.serve({ address }))))
  const workers = ["sammy", "papag"].map((name) =>
    DistributedMap.serve().pipe(
      Layer.provide(countingEvaluator(name, seen)),
      Layer.provide(Worker.layer({ servers: addresses, concurrency: 2 }))
    )
  )
  return Layer.mergeAll(Client.layer({ servers: addresses }), ...workers).pipe(
    Layer.provideMerge(Layer.mergeAll(servers[0]!, servers[1]!)),
    Layer.provideMerge(MemoryNetwork.layer)
  )
}

/** Runs it, and its end, letting time pass until it is done. */
const inFleet = <A, E>(
  use: (seen: Array<string>) => Effect.Effect<A, E, Client.Client | MemoryNetwork.MemoryNetwork>
) =>
  Effect.gen(function* () {
    const seen: Array<string> = []
    const fiber = yield* Effect.forkChild(Effect.provide(use(seen), fleet(seen)))
    while (fiber.pollUnsafe() === undefined) yield* TestClock.adjust("5 millis")
    return yield* Fiber.join(fiber)
  })

const numbers = Array.from({ length: 40 }, (_, index) => index)

describe("distributed map, end to end", () => {
  it.effect("results in order, from all workers", () =>
    inFleet((seen) =>
      Effect.gen(function* () {
        const factor = 3n
        const results = yield* DistributedMap.map(
          numbers,
          (n, { worker }) => ({ product: BigInt(n) * factor, worker }),
          { captures: { factor } }
        )
        assert.deepStrictEqual(
          results.map((result) => result.product),
          numbers.map((n) => BigInt(n) * factor)
        )
        assert.deepStrictEqual([...new Set(results.map((result) => result.worker))].sort(), ["papag", "sammy"])
        assert.strictEqual(seen.length, numbers.length)
      })
    )
  )

  it.effect("equal items of an idempotent function are run once while they are under way", () =>
    inFleet((seen) =>
      Effect.gen(function* () {
        const items = numbers.map((n) => n % 4)
        const results = yield* DistributedMap.map(items, (n) => n * n, { idempotent: true })
        assert.deepStrictEqual(
          results,
          items.map((n) => n * n)
        )
        assert.strictEqual(seen.length, 4)
      })
    )
  )

  it.effect("flatMap, streams and reduce", () =>
    inFleet(() =>
      Effect.gen(function* () {
        const lines = ["to be", "or not", "to be"]
        const words = yield* DistributedMap.flatMap(lines, (line) => line.split(" "))
        assert.deepStrictEqual(words, ["to", "be", "or", "not", "to", "be"])
        const squares = DistributedMap.mapStream(Stream.fromIterable(numbers), (n) => n * n, { window: 5 })
        assert.deepStrictEqual(
          yield* Stream.runCollect(squares),
          numbers.map((n) => n * n)
        )
        const counts = yield* DistributedMap.reduce(
          lines,
          (line) => new Map(line.split(" ").map((word) => [word, 1])),
          (left, right) => {
            for (const [word, count] of right) left.set(word, (left.get(word) ?? 0) + count)
            return left
          },
          { batch: 2 }
        )
        assert.deepStrictEqual(
          Option.getOrThrow(counts),
          new Map([
            ["to", 2],
            ["be", 2],
            ["or", 1],
            ["not", 1]
          ])
        )
      })
    )
  )

  it.effect("what is thrown is the item's failure", () =>
    inFleet(() =>
      Effect.gen(function* () {
        const failure = yield* Effect.flip(
          DistributedMap.map(numbers, (n) => {
            if (n === 17) throw new RangeError("seventeen")
            return n
          })
        )
        assert.strictEqual(failure.message, "item 17 failed: RangeError: seventeen")
      })
    )
  )

  it.effect("a result too large for a packet is the item's failure, and the worker goes on", () =>
    inFleet((seen) =>
      Effect.gen(function* () {
        const results = yield* DistributedMap.map([65, 1], (mebibytes) => new Uint8Array(mebibytes * 2 ** 20), {
          onFailure: "collect"
        })
        assert.deepStrictEqual(
          results.map((result) => (result._tag === "Success" ? result.success.length : result.failure.message)),
          ["item 0 failed: TooLarge: the result takes 68157445 bytes, the limit is 67107840", 2 ** 20]
        )
        assert.strictEqual(seen.length, 2)
      })
    )
  )

  it.effect("an idempotent map survives that its connections break; another says what is unknown", () =>
    inFleet(() =>
      Effect.gen(function* () {
        const network = yield* MemoryNetwork.MemoryNetwork
        const broken = Effect.fnUntraced(function* (idempotent: boolean) {
          const isUnderWay = yield* Deferred.make<void>()
          const fiber = yield* Effect.forkChild(
            DistributedMap.map(numbers, (n) => n, {
              ...(idempotent ? { idempotent: true as const } : {}),
              window: 8,
              onFailure: "collect",
              onProgress: ({ done }) =>
                done === 10 ? Effect.asVoid(Deferred.succeed(isUnderWay, undefined)) : Effect.void
            })
          )
          yield* Deferred.await(isUnderWay)
          // Both, since jobs may be at any of them.
          for (const address of addresses) yield* network.reset(address)
          const results = yield* Fiber.join(fiber)
          return results.flatMap((result) => (result._tag === "Failure" ? [result.failure] : []))
        })
        assert.deepStrictEqual(yield* broken(true), [])
        const failures = yield* broken(false)
        assert.isAbove(failures.length, 0)
        for (const failure of failures) {
          assert.match(failure.message, /^item \d+ failed: Ambiguous: the connection to (sammy|kenny):4730 was lost/)
        }
      })
    )
  )
})
