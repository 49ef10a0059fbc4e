/**
 * The requests that wait to be sent to one server, and the callers that wait for room.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { Outbox, Request } from "../../../src/protocol/client/Conversation.ts"
import * as Packet from "../../../src/protocol/Packet.ts"

const request = (bytes: number) =>
  new Request(new Uint8Array(bytes), {
    query: { answer: Packet.PacketType.ECHO_RES, answered: () => {}, refused: () => {} }
  })

const hasRoom = (outbox: Outbox) =>
  Effect.map(
    Effect.forkChild(outbox.room.await, { startImmediately: true }),
    (fiber) => fiber.pollUnsafe() !== undefined
  )

describe("an outbox", () => {
  it.effect("has no room above its limit, and has again when half is sent", () =>
    Effect.gen(function* () {
      const outbox = new Outbox(100)
      outbox.push(request(101))
      assert.isFalse(yield* hasRoom(outbox))
      outbox.take()
      assert.isFalse(yield* hasRoom(outbox))
      outbox.sent()
      assert.isTrue(yield* hasRoom(outbox))
    })
  )

  // Found by simulation: the callers behind withdrawn requests waited for ever.
  it.effect("has room again when all that waited was withdrawn, so that nothing is sent", () =>
    Effect.gen(function* () {
      const outbox = new Outbox(100)
      const withdrawn = request(101)
      outbox.push(withdrawn)
      withdrawn.isWithdrawn = true
      assert.lengthOf(outbox.take(), 0)
      assert.isTrue(yield* hasRoom(outbox))
    })
  )
})
