/**
 * The distributed map over real processes, one of which is killed: no item of an
 * idempotent function is lost, and the results keep their order.
 */
import { afterAll, assert, describe, it } from "vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Client from "../../src/protocol/Client.ts"
import * as DistributedMap from "../../src/protocol/DistributedMap.ts"
import * as NodeNetwork from "../../src/runtime/NodeNetwork.ts"
import type { Started } from "../interop/processes.ts"
import { ask, startGearman, startServer, until } from "./support.ts"

const timeoutMillis = 150_000
const itemCount = 200
const items = Array.from({ length: itemCount }, (_, index) => index)

const started: Array<Started> = []
afterAll(() => Promise.all(started.map((process) => process.stop("SIGKILL"))))

/** Two job servers and as many workers as there are names, all of which serve both. */
const startFleet = async (...names: ReadonlyArray<string>) => {
  const servers = await Promise.all([startServer(), startServer()])
  started.push(...servers)
  const list = servers.map((server) => server.address).join()
  const workers = names.map((name) => startGearman(["map-worker", "--name", name, "-c", "2", "--server", list]))
  started.push(...workers)
  for (const { port } of servers) {
    await until(
      async () => (await ask(port, "status"))?.includes(`effect-gearman.map\t0\t0\t${names.length}`) === true,
      "all workers serve the map"
    )
  }
  return { servers, workers }
}

/** Maps the items, calls `strike` when a quarter of them is done, and gives the results. */
const mapStruckBy = (servers: ReadonlyArray<{ readonly address: string }>, strike: () => void) =>
  Effect.gen(function* () {
    const isUnderWay = yield* Deferred.make<void>()
    const mapped = yield* Effect.forkChild(
      DistributedMap.map(
        items,
        async (n) => {
          await new Promise((done) => setTimeout(done, 10))
          return n * n
        },
        {
          idempotent: true,
          window: 50,
          onProgress: ({ done }) =>
            done === itemCount / 4 ? Effect.asVoid(Deferred.succeed(isUnderWay, undefined)) : Effect.void
        }
      )
    )
    yield* Deferred.await(isUnderWay)
    strike()
    return yield* Fiber.join(mapped)
  }).pipe(
    Effect.provide(
      Layer.provide(Client.layer({ servers: servers.map((server) => server.address) }), NodeNetwork.layer)
    ),
    Effect.runPromise
  )

describe("a map of 200 items of an idempotent function", { timeout: timeoutMillis }, () => {
  it("gives 200 results in order when one of two job servers is killed", async () => {
    const { servers } = await startFleet("sammy", "papag")
    const results = await mapStruckBy(servers, () => process.kill(servers[0]!.pid, "SIGKILL"))
    assert.deepStrictEqual(
      results,
      items.map((n) => n * n)
    )
    assert.strictEqual((await servers[0]!.ended).code, "SIGKILL")
  })

  it("gives 200 results in order when one of two workers is killed", async () => {
    const { servers, workers } = await startFleet("sammy", "papag")
    const results = await mapStruckBy(servers, () => process.kill(workers[0]!.pid, "SIGKILL"))
    assert.deepStrictEqual(
      results,
      items.map((n) => n * n)
    )
    assert.strictEqual((await workers[0]!.ended).code, "SIGKILL")
  })
})
