/**
 * What programs without types give the client: each is told what is wrong, nothing of it is
 * sent, and no other job suffers.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Client from "../../../src/protocol/Client.ts"
import type { GearmanError } from "../../../src/protocol/GearmanError.ts"
import * as JobFunction from "../../../src/protocol/JobFunction.ts"
import * as JobServer from "../../../src/protocol/JobServer.ts"
import * as MemoryNetwork from "../../../src/protocol/MemoryNetwork.ts"
import * as Network from "../../../src/protocol/Network.ts"
import * as Packet from "../../../src/protocol/Packet.ts"
import * as Worker from "../../../src/protocol/Worker.ts"
import * as ScriptedServer from "../support/ScriptedServer.ts"

const server = Network.tcp("127.0.0.1", 4730)
const servers = [server]

const text = JobFunction.utf8("text")
const bytes = JobFunction.bytes("bytes")

const wrong = (
  client: Client.Client["Service"]
): ReadonlyArray<readonly [RegExp, Effect.Effect<unknown, GearmanError>]> => [
  [/^the payload of "text" does not fit its schema: Expected string/, client.run(text, 7 as never)],
  [/^the payload of "text"/, client.run(text, undefined as never)],
  [/^the payload of "bytes" does not fit its schema: Expected Uint8Array/, client.run(bytes, "abc" as never)],
  [/^the payload of "bytes"/, client.background(bytes, 7 as never)],
  [/^the priority cannot be sent: it is urgent/, client.run(text, "x", { priority: "urgent" as never })],
  [/^the priority cannot be sent/, client.background(text, "x", { priority: "urgent" as never })],
  [/^the unique cannot be sent/, client.run(text, "x", { unique: 7 as never })],
  [/^the time cannot be sent/, client.background(text, "x", { after: Number.POSITIVE_INFINITY })]
]

describe("what is of the wrong type", () => {
  it.effect("is refused, and no other job of the connection suffers", () =>
    Effect.gen(function* () {
      const seen: Array<string> = []
      yield* ScriptedServer.start(server, (peer, packet) => {
        seen.push(packet._tag)
        if (packet._tag === "SUBMIT_JOB") peer.send("JOB_CREATED", { handle: "H:1" })
        if (packet._tag === "GET_STATUS") peer.send("WORK_COMPLETE", { handle: "H:1", data: "done" })
      })
      const client = yield* Client.Client
      const job = yield* client.submit(text, "x")
      for (const [message, call] of wrong(client)) assert.match((yield* Effect.flip(call)).message, message)
      const asking = yield* Effect.forkChild(client.status(yield* job.handle))
      assert.strictEqual(yield* job.await, "done")
      yield* Fiber.interrupt(asking)
      assert.deepStrictEqual(
        seen.filter((name) => name.startsWith("SUBMIT_")),
        ["SUBMIT_JOB"]
      )
    }).pipe(Effect.scoped, Effect.provide(Client.layer({ servers }).pipe(Layer.provideMerge(MemoryNetwork.layer))))
  )

  it.effect("is told to the caller when a handler returns it", () => {
    const world = Layer.merge(
      Client.layer({ servers }),
      Layer.merge(
        text.toLayer(() => Effect.succeed(undefined as never)),
        bytes.toLayer(() => Effect.succeed("abc" as never))
      ).pipe(Layer.provide(Worker.layer({ servers })))
    ).pipe(Layer.provide(JobServer.layer({ address: server })), Layer.provide(MemoryNetwork.layer))
    return Effect.gen(function* () {
      const client = yield* Client.Client
      const failures = [
        yield* Effect.flip(client.run(text, "x")),
        yield* Effect.flip(client.run(bytes, new Uint8Array(1)))
      ]
      for (const { reason } of failures) {
        assert.strictEqual(reason._tag, "JobException")
        if (reason._tag === "JobException") assert.match(Packet.toText(reason.data), /^DecodeError: the success of/)
      }
    }).pipe(Effect.provide(world))
  })

  it("is told at once where a function gets no name", () => {
    assert.throws(() => JobFunction.utf8(undefined as never), "a function's name must be a text, not undefined")
  })
})
