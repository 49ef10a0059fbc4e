/**
 * A server that was asked for a job, and answers only when the worker has given up the function
 * that the job is of. The simulator found it (property 37, seed 921001170, 54 packets): the caller
 * was told that the worker does not serve the function.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import * as JobFunction from "../../../src/protocol/JobFunction.ts"
import * as MemoryNetwork from "../../../src/protocol/MemoryNetwork.ts"
import * as Network from "../../../src/protocol/Network.ts"
import * as Packet from "../../../src/protocol/Packet.ts"
import * as Worker from "../../../src/protocol/Worker.ts"
import * as ScriptedServer from "../support/ScriptedServer.ts"

const address = Network.tcp("127.0.0.1", 4730)

const settle = Effect.gen(function* () {
  for (let turn = 0; turn < 200; turn++) yield* Effect.yieldNow
})

describe("a server that is silent while a function is given up", () => {
  it.effect("is left, so that a job of it that comes after all goes back", () =>
    Effect.gen(function* () {
      const connections = new Set<Network.Connection>()
      const ended = new Array<string>()
      let answer = () => {}
      yield* ScriptedServer.start(address, (peer, packet) => {
        connections.add(peer.connection)
        if (packet._tag === "GRAB_JOB_UNIQ") {
          if (connections.size > 1) return peer.send("NO_JOB", {})
          answer = () =>
            peer.send("JOB_ASSIGN_UNIQ", { handle: "H:1", function: "given up", unique: "", workload: "text" })
        } else if (packet._tag === "WORK_EXCEPTION" || packet._tag === "WORK_FAIL") {
          ended.push(`${packet._tag} ${Packet.toText(packet.handle)}`)
        }
      })
      const worker = yield* Worker.make({ servers: [address], drainTimeout: "1 second" })
      yield* worker.register(JobFunction.utf8("kept"), Effect.succeed)
      const scope = yield* Scope.make()
      yield* Scope.provide(worker.register(JobFunction.utf8("given up"), Effect.succeed), scope)
      yield* settle
      yield* Effect.forkChild(Scope.close(scope, Exit.void))
      yield* settle
      yield* TestClock.adjust("1 second")
      yield* settle
      answer()
      yield* settle
      yield* TestClock.adjust("10 seconds")
      yield* settle
      assert.deepStrictEqual(ended, [])
      assert.strictEqual(connections.size, 2)
    }).pipe(Effect.scoped, Effect.provide(MemoryNetwork.layer))
  )
})
