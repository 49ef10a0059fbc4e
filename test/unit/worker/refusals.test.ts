/**
 * A server that will not have a worker serve a function says so by an ERROR that names
 * neither the function nor the announcement: nothing that runs may be lost by it.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import * as JobFunction from "../../../src/protocol/JobFunction.ts"
import * as MemoryNetwork from "../../../src/protocol/MemoryNetwork.ts"
import * as Network from "../../../src/protocol/Network.ts"
import * as Packet from "../../../src/protocol/Packet.ts"
import * as Worker from "../../../src/protocol/Worker.ts"
import * as ScriptedServer from "../support/ScriptedServer.ts"

const address = Network.tcp("127.0.0.1", 4730)
const good = JobFunction.utf8("good")
const bad = JobFunction.utf8("bad")

const settle = Effect.gen(function* () {
  for (let turn = 0; turn < 200; turn++) yield* Effect.yieldNow
})

/** Refuses some functions as often as they are announced, and gives one job of the other at the first question. */
const start = (isRefused: (name: string) => boolean) =>
  Effect.gen(function* () {
    const seen = { connections: new Set<Network.Connection>(), results: new Array<string>() }
    let hasGiven = false
    yield* ScriptedServer.start(address, (peer, packet) => {
      seen.connections.add(peer.connection)
      if (packet._tag === "CAN_DO" && isRefused(Packet.toText(packet.function))) {
        peer.send("ERROR", { code: "ACCESS_DENIED", text: "not you" })
      } else if (packet._tag === "GRAB_JOB_UNIQ") {
        if (hasGiven || isRefused("good")) return peer.send("NO_JOB", {})
        hasGiven = true
        peer.send("JOB_ASSIGN_UNIQ", { handle: "H:1", function: "good", unique: "", workload: "text" })
      } else if (packet._tag === "WORK_COMPLETE") {
        seen.results.push(Packet.toText(packet.data))
      }
    })
    return seen
  })

describe("a refused function", () => {
  it.effect("refused twice beside another one costs that one's job nothing", () =>
    Effect.gen(function* () {
      const seen = yield* start((name) => name === "bad")
      const gate = yield* Deferred.make<void>()
      let interruptions = 0
      const worker = yield* Worker.make({ servers: [address] })
      yield* worker.register(good, (text) =>
        Effect.as(Deferred.await(gate), text).pipe(Effect.onInterrupt(() => Effect.sync(() => interruptions++)))
      )
      yield* worker.register(bad, Effect.succeed)
      yield* settle
      yield* worker.register(bad, Effect.succeed)
      yield* settle
      yield* TestClock.adjust("5 seconds")
      yield* settle
      assert.strictEqual(seen.connections.size, 1)
      yield* Deferred.succeed(gate, undefined)
      yield* settle
      yield* TestClock.adjust("5 seconds")
      yield* settle
      assert.deepStrictEqual(seen.results, ["text"])
      assert.strictEqual(interruptions, 0)
    }).pipe(Effect.scoped, Effect.provide(MemoryNetwork.layer))
  )

  it.effect("refused when it is announced again costs a running job of its own nothing", () =>
    Effect.gen(function* () {
      let isLimitReached = false
      const seen = yield* start(() => isLimitReached)
      const gate = yield* Deferred.make<void>()
      const worker = yield* Worker.make({ servers: [address] })
      const handler = (text: string) => Effect.as(Deferred.await(gate), text)
      yield* worker.register(good, handler)
      yield* settle
      isLimitReached = true
      yield* worker.register(good, handler)
      yield* settle
      yield* Deferred.succeed(gate, undefined)
      yield* settle
      assert.deepStrictEqual(seen.results, ["text"])
      assert.strictEqual(seen.connections.size, 1)
      // Nothing is left to lose: another connection may find other rights.
      isLimitReached = false
      yield* TestClock.adjust("5 seconds")
      yield* settle
      assert.strictEqual(seen.connections.size, 2)
    }).pipe(Effect.scoped, Effect.provide(MemoryNetwork.layer))
  )

  it.effect("is announced again over another connection, where it was the only one", () =>
    Effect.gen(function* () {
      let isAllowed = false
      const seen = yield* start(() => !isAllowed)
      const worker = yield* Worker.make({ servers: [address] })
      yield* worker.register(good, Effect.succeed)
      yield* settle
      isAllowed = true
      yield* TestClock.adjust("5 seconds")
      yield* settle
      assert.deepStrictEqual(seen.results, ["text"])
      assert.strictEqual(seen.connections.size, 2)
    }).pipe(Effect.scoped, Effect.provide(MemoryNetwork.layer))
  )
})
