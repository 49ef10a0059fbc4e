/**
 * A worker that takes jobs ahead: it loses none of them, and runs no more at once.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import * as Client from "../../../src/protocol/Client.ts"
import * as JobFunction from "../../../src/protocol/JobFunction.ts"
import * as JobServer from "../../../src/protocol/JobServer.ts"
import * as MemoryNetwork from "../../../src/protocol/MemoryNetwork.ts"
import * as Network from "../../../src/protocol/Network.ts"
import * as Worker from "../../../src/protocol/Worker.ts"

const servers = [Network.tcp("127.0.0.1", 4730)]
const slow = JobFunction.utf8("slow")

const settle = Effect.gen(function* () {
  for (let turn = 0; turn < 200; turn++) yield* Effect.yieldNow
})

const world = Layer.merge(JobServer.layer({ address: servers[0]! }), Client.layer({ servers })).pipe(
  Layer.provideMerge(MemoryNetwork.layer)
)

/** A worker whose jobs take a second each, until the scope is closed. */
const start = (options: Partial<Worker.Options>, handlerOptions?: Worker.HandlerOptions) =>
  Effect.gen(function* () {
    const scope = yield* Scope.fork(yield* Effect.scope)
    const worker = yield* Scope.provide(Worker.make({ servers, ...options }), scope)
    const state = { running: 0, most: 0, ran: new Array<string>() }
    const handler = (text: string) =>
      Effect.gen(function* () {
        state.ran.push(text)
        state.most = Math.max(state.most, ++state.running)
        yield* Effect.sleep("1 second")
        return `${text} done`
      }).pipe(Effect.ensuring(Effect.sync(() => state.running--)))
    yield* Scope.provide(worker.register(slow, handler, handlerOptions), scope)
    return { state, close: Scope.close(scope, Exit.void) }
  })

/** Lets so many seconds pass, one by one. */
const pass = (seconds: number) =>
  Effect.repeat(Effect.andThen(TestClock.adjust("1 second"), settle), { times: seconds - 1 })

const texts = (count: number) => Array.from({ length: count }, (_, at) => `job ${at}`)

const submitAll = (count: number) =>
  Effect.flatMap(Client.Client, (client) =>
    Effect.forkChild(Effect.forEach(texts(count), (text) => client.run(slow, text), { concurrency: "unbounded" }))
  )

describe("a worker that takes jobs ahead", () => {
  it.effect("runs them in their order, no more at once than it has slots", () =>
    Effect.gen(function* () {
      const { state } = yield* start({ concurrency: 2, prefetch: 5 })
      const results = yield* submitAll(20)
      yield* settle
      yield* pass(1)
      assert.strictEqual(state.ran.length, 4)
      yield* pass(10)
      assert.deepStrictEqual(
        yield* Fiber.join(results),
        texts(20).map((text) => `${text} done`)
      )
      assert.deepStrictEqual(state.ran, texts(20))
      assert.strictEqual(state.most, 2)
    }).pipe(Effect.scoped, Effect.provide(world))
  )

  it.effect("closing runs what waits, as far as the time goes, and another worker gets the rest", () =>
    Effect.gen(function* () {
      const leaving = yield* start({ concurrency: 1, prefetch: 5, drainTimeout: "3500 millis" })
      const results = yield* submitAll(12)
      yield* settle
      const closed = yield* Effect.forkChild(leaving.close)
      yield* settle
      const staying = yield* start({ concurrency: 12 })
      yield* settle
      // What the first has not taken is with the second at once.
      assert.deepStrictEqual(staying.state.ran, texts(12).slice(6))
      yield* pass(10)
      yield* Fiber.join(closed)
      assert.deepStrictEqual(
        yield* Fiber.join(results),
        texts(12).map((text) => `${text} done`)
      )
      assert.deepStrictEqual(leaving.state.ran, texts(4))
      // The fourth was interrupted; those behind it never began.
      assert.sameMembers(staying.state.ran.slice(6), ["job 3", "job 4", "job 5"])
    }).pipe(Effect.scoped, Effect.provide(world))
  )

  it.effect("takes nothing ahead while a function has a time limit: the server counts the time that a job waits", () =>
    Effect.gen(function* () {
      const { state } = yield* start({ concurrency: 1, prefetch: 5 }, { timeout: "2500 millis" })
      const results = yield* submitAll(4)
      yield* settle
      yield* pass(1)
      const other = yield* start({ concurrency: 5 }, { timeout: "2500 millis" })
      yield* pass(10)
      assert.deepStrictEqual(
        yield* Fiber.join(results),
        texts(4).map((text) => `${text} done`)
      )
      // Each is begun once: none waited where its time ran.
      const ran = [...state.ran, ...other.state.ran].toSorted()
      assert.deepStrictEqual(ran, ["job 0", "job 1", "job 2", "job 3"])
    }).pipe(Effect.scoped, Effect.provide(world))
  )
})
