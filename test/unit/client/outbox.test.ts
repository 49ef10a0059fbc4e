/**
 * The requests that wait to be sent to one server.
 */
import { assert, describe, it } from "@effect/vitest"
import { Outbox, Request } from "../../../src/protocol/client/Conversation.ts"
import * as Packet from "../../../src/protocol/Packet.ts"

const request = (bytes: number) =>
  new Request(new Uint8Array(bytes), {
    query: { answer: Packet.PacketType.ECHO_RES, answered: () => {}, refused: () => {} }
  })

describe("an outbox", () => {
  it("hands out what came first, as much as fits at a time", () => {
    const outbox = new Outbox(100)
    const requests = [60, 60, 10, 200, 10, 10].map(request)
    for (const each of requests) outbox.push(each)
    // The first of more than a hundred bytes goes too: it would never fit better.
    for (const expected of [requests.slice(0, 2), requests.slice(2, 4), requests.slice(4), []]) {
      assert.strictEqual(outbox.wake.isOpen(), expected.length > 0)
      assert.deepStrictEqual(outbox.take(), expected)
    }
  })

  it("leaves out what nobody wants any more, and gives back what was not sent", () => {
    const outbox = new Outbox(100)
    const requests = [200, 100, 50, 50, 50].map(request)
    for (const each of requests) outbox.push(each)
    for (const at of [0, 3]) requests[at]!.isWithdrawn = true
    assert.deepStrictEqual(outbox.take(), [requests[1]!])
    assert.deepStrictEqual(outbox.drain(), [requests[2]!, requests[4]!])
    assert.isFalse(outbox.wake.isOpen())
  })
})
