/** A server that shuts down takes no new jobs: clients bring them to another, or wait until it is back. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import * as Client from "../../../src/protocol/Client.ts"
import * as JobFunction from "../../../src/protocol/JobFunction.ts"
import * as JobServer from "../../../src/protocol/JobServer.ts"
import * as MemoryNetwork from "../../../src/protocol/MemoryNetwork.ts"
import * as Network from "../../../src/protocol/Network.ts"
import * as ServerSelection from "../../../src/protocol/ServerSelection.ts"
import * as Worker from "../../../src/protocol/Worker.ts"

const [one, two] = [Network.tcp("one"), Network.tcp("two")]
/** Not idempotent: what may have run is not submitted again. */
const shout = JobFunction.utf8("shout")

const serve = (servers: ReadonlyArray<Network.Address>) =>
  Effect.gen(function* () {
    const worker = yield* Worker.make({ servers })
    yield* worker.register(shout, (text) => Effect.as(Effect.sleep("1 second"), text.toUpperCase()))
  })

/** Lets virtual time pass, a little at a time, as connections want it. */
const pass = (seconds: number) => Effect.forEach(Array.from({ length: seconds * 10 }), () => TestClock.adjust(100))

const start = (address: Network.Address) =>
  Effect.gen(function* () {
    const server = yield* JobServer.listen({ address })
    return { server, running: yield* Effect.forkScoped(server.run) }
  })

describe("a server that drains", () => {
  it.effect("finishes what it has, and gets nothing more while another is there", () =>
    Effect.gen(function* () {
      const [first, second] = [yield* start(one), yield* start(two)]
      yield* serve([one, two])
      const client = yield* Client.make({ servers: [one, two], selection: ServerSelection.first })
      const before = yield* Effect.forkChild(client.run(shout, "before", { unique: "before" }))
      yield* pass(0.5)
      assert.strictEqual(first.server.core.jobs.byNumber.size, 1)
      yield* first.server.shutdown("drain")
      const after = yield* Effect.forkChild(client.run(shout, "after", { unique: "after" }))
      yield* pass(0.2)
      const { server } = yield* client.background(shout, "later", { unique: "later" })
      assert.strictEqual(server, "two:4730")
      yield* pass(4)
      assert.strictEqual(yield* Fiber.join(before), "BEFORE")
      assert.strictEqual(yield* Fiber.join(after), "AFTER")
      // Only the first to be refused was sent there.
      assert.strictEqual(first.server.core.jobs.refusals.byReason.get("draining"), 1)
      assert.strictEqual(first.server.core.counters.submitted, 1)
      yield* Fiber.join(first.running)
      assert.strictEqual(second.server.core.counters.submitted, 2)
    }).pipe(Effect.scoped, Effect.provide(MemoryNetwork.layer))
  )

  it.effect("is waited for when there is no other", () =>
    Effect.gen(function* () {
      const client = yield* Client.make({ servers: [one], noServerTimeout: "30 seconds" })
      const leaving = yield* Scope.make()
      const old = yield* Scope.provide(start(one), leaving)
      yield* serve([one])
      const before = yield* Effect.forkChild(client.run(shout, "before"))
      yield* pass(0.5)
      yield* old.server.shutdown("drain")
      const after = yield* Effect.forkChild(client.run(shout, "after"))
      yield* pass(3)
      assert.strictEqual(yield* Fiber.join(before), "BEFORE")
      yield* Fiber.join(old.running)
      yield* Scope.close(leaving, Exit.void)
      yield* pass(1)
      assert.isUndefined(after.pollUnsafe())
      yield* start(one)
      yield* pass(10)
      assert.strictEqual(yield* Fiber.join(after), "AFTER")
    }).pipe(Effect.scoped, Effect.provide(MemoryNetwork.layer))
  )

  it.effect("is named as such to whoever does not wait", () =>
    Effect.gen(function* () {
      const client = yield* Client.make({ servers: [one], noServerTimeout: 0 })
      const { server } = yield* start(one)
      // Nobody does it, so the server stays.
      const handle = yield* client.background(shout, "first")
      yield* server.shutdown("drain")
      const { reason } = yield* Effect.flip(client.background(shout, "second"))
      assert.strictEqual(reason._tag, "NoServer")
      assert.include(reason.message, "one:4730 (it is shutting down and takes no new jobs)")
      // What it is asked, it answers.
      assert.isTrue((yield* client.status(handle)).known)
    }).pipe(Effect.scoped, Effect.provide(MemoryNetwork.layer))
  )
})
