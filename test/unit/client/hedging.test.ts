/**
 * Hedging: a second server is asked when the first is slow, and never does harm.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as TestClock from "effect/testing/TestClock"
import * as Client from "../../../src/protocol/Client.ts"
import * as JobFunction from "../../../src/protocol/JobFunction.ts"
import * as JobServer from "../../../src/protocol/JobServer.ts"
import * as MemoryNetwork from "../../../src/protocol/MemoryNetwork.ts"
import * as Network from "../../../src/protocol/Network.ts"
import * as ServerSelection from "../../../src/protocol/ServerSelection.ts"
import * as Worker from "../../../src/protocol/Worker.ts"
import * as ScriptedServer from "../support/ScriptedServer.ts"

const one = Network.tcp("127.0.0.1", 4730)
const two = Network.tcp("127.0.0.1", 4731)
const hedge = "1 second"

const settle = Effect.gen(function* () {
  for (let turn = 0; turn < 200; turn++) yield* Effect.yieldNow
})

const clientLayer = Client.layer({ servers: [one, two], selection: ServerSelection.first }).pipe(
  Layer.provideMerge(MemoryNetwork.layer)
)

const text = JobFunction.utf8("text", { idempotent: true })

describe("hedging", () => {
  it.effect("asks a second server when the first is slow, and takes the first answer", () =>
    Effect.gen(function* () {
      yield* ScriptedServer.start(one, (peer) => peer.send("JOB_CREATED", { handle: "H:1" }))
      yield* ScriptedServer.start(two, (peer) => {
        peer.send("JOB_CREATED", { handle: "H:2" })
        peer.send("WORK_COMPLETE", { handle: "H:2", data: "second" })
      })
      const client = yield* Client.Client
      const running = yield* Effect.forkChild(client.run(text, "x", { hedge }))
      yield* settle
      assert.isUndefined(running.pollUnsafe())
      yield* TestClock.adjust(hedge)
      assert.strictEqual(yield* Fiber.join(running), "second")
      // A function that is not idempotent is never asked for twice.
      const single = yield* Effect.forkChild(client.run(JobFunction.utf8("once"), "x", { hedge }))
      yield* TestClock.adjust("5 seconds")
      assert.isUndefined(single.pollUnsafe())
    }).pipe(Effect.scoped, Effect.provide(clientLayer))
  )

  it.effect("asks the only server there is once", () =>
    Effect.gen(function* () {
      let submissions = 0
      let finish = () => {}
      yield* ScriptedServer.start(one, (peer) => {
        submissions++
        peer.send("JOB_CREATED", { handle: "H:1" })
        finish = () => peer.send("WORK_COMPLETE", { handle: "H:1", data: "only" })
      })
      const client = yield* Client.make({ servers: [one] })
      const running = yield* Effect.forkChild(client.run(text, "x", { hedge }))
      yield* settle
      yield* TestClock.adjust("3 seconds")
      yield* settle
      finish()
      assert.strictEqual(yield* Fiber.join(running), "only")
      assert.strictEqual(submissions, 1)
    }).pipe(Effect.scoped, Effect.provide(MemoryNetwork.layer))
  )

  it.effect("waits for the first server when the second refuses", () =>
    Effect.gen(function* () {
      let finish = () => {}
      yield* ScriptedServer.start(one, (peer) => {
        peer.send("JOB_CREATED", { handle: "H:1" })
        finish = () => peer.send("WORK_COMPLETE", { handle: "H:1", data: "first" })
      })
      yield* ScriptedServer.start(two, (peer) => peer.send("ERROR", { code: "queue_full", text: "" }))
      const client = yield* Client.Client
      const running = yield* Effect.forkChild(client.run(text, "x", { hedge }))
      yield* settle
      yield* TestClock.adjust("3 seconds")
      yield* settle
      assert.isUndefined(running.pollUnsafe())
      finish()
      assert.strictEqual(yield* Fiber.join(running), "first")
    }).pipe(Effect.scoped, Effect.provide(clientLayer))
  )

  it.effect("waits for the second server when the first refuses after that was asked", () =>
    Effect.gen(function* () {
      const refuse: Array<() => void> = []
      let finish = () => {}
      yield* ScriptedServer.start(one, (peer) => {
        refuse.push(() => peer.send("ERROR", { code: "queue_full", text: "" }))
      })
      yield* ScriptedServer.start(two, (peer) => {
        peer.send("JOB_CREATED", { handle: "H:2" })
        finish = () => peer.send("WORK_COMPLETE", { handle: "H:2", data: "second" })
      })
      const client = yield* Client.Client
      const running = yield* Effect.forkChild(client.run(text, "x", { hedge }))
      yield* settle
      yield* TestClock.adjust(hedge)
      yield* settle
      refuse[0]!()
      yield* settle
      assert.isUndefined(running.pollUnsafe())
      finish()
      assert.strictEqual(yield* Fiber.join(running), "second")
      // Before that, there is nobody else to wait for.
      const refused = yield* Effect.forkChild(client.run(text, "y", { hedge }))
      yield* settle
      refuse[1]!()
      const exit = yield* Fiber.await(refused)
      assert.isTrue(Exit.isFailure(exit))
    }).pipe(Effect.scoped, Effect.provide(clientLayer))
  )

  it.effect("ends when neither server can have it", () =>
    Effect.gen(function* () {
      let refuse = () => {}
      yield* ScriptedServer.start(one, (peer) => {
        refuse = () => peer.send("ERROR", { code: "queue_full", text: "first" })
      })
      yield* ScriptedServer.start(two, (peer) => peer.send("ERROR", { code: "queue_full", text: "second" }))
      const client = yield* Client.Client
      const running = yield* Effect.forkChild(client.run(text, "x", { hedge }))
      yield* settle
      yield* TestClock.adjust(hedge)
      yield* settle
      assert.isUndefined(running.pollUnsafe())
      refuse()
      assert.isTrue(Exit.isFailure(yield* Fiber.await(running)))
    }).pipe(Effect.scoped, Effect.provide(clientLayer))
  )

  it.effect("under load: all callers are answered, equal ones ask the second server once, fast ones never do", () =>
    Effect.gen(function* () {
      const shared = JobFunction.utf8("shared", { idempotent: true, unique: "payload" })
      const fast = JobFunction.utf8("fast", { idempotent: true })
      const executions = { shared: 0, text: 0, fast: 0 }
      const slow = yield* Worker.make({ servers: [one], concurrency: 10, drainTimeout: 0 })
      yield* slow.register(shared, () => Effect.never)
      yield* slow.register(text, () => Effect.never)
      const other = yield* Worker.make({ servers: [one], concurrency: 10 })
      yield* other.register(fast, Effect.succeed)
      const quick = yield* Worker.make({ servers: [two], concurrency: 10 })
      const counted = (name: keyof typeof executions) => (payload: string) =>
        Effect.delay(
          Effect.sync(() => {
            executions[name]++
            return payload
          }),
          "10 millis"
        )
      yield* quick.register(shared, counted("shared"))
      yield* quick.register(text, counted("text"))
      yield* quick.register(fast, counted("fast"))

      const client = yield* Client.Client
      const calls = [
        ...Array.from({ length: 500 }, () => client.run(shared, "same", { hedge })),
        ...Array.from({ length: 500 }, (_, at) => client.run(text, `own ${at}`, { hedge })),
        ...Array.from({ length: 500 }, (_, at) => client.run(fast, `own ${at}`, { hedge }))
      ]
      const running = yield* Effect.forkChild(Effect.all(calls.map(Effect.exit), { concurrency: "unbounded" }))
      yield* settle
      for (let turn = 0; turn < 100; turn++) {
        yield* TestClock.adjust(turn === 0 ? hedge : "10 millis")
        yield* settle
      }
      const exits = yield* Fiber.join(running)
      assert.strictEqual(exits.filter(Exit.isSuccess).length, calls.length)
      assert.deepStrictEqual(executions, { shared: 1, text: 500, fast: 0 })
    }).pipe(
      Effect.scoped,
      Effect.provide(
        Layer.merge(JobServer.layer({ address: one }), Layer.fresh(JobServer.layer({ address: two }))).pipe(
          Layer.provideMerge(clientLayer)
        )
      )
    )
  )
})
