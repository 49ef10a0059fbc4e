/** Who hears at once what it is to be told, and who waits a moment where the server has much to do. */
import { assert, describe, it } from "@effect/vitest"
import * as Codec from "../../../src/protocol/Codec.ts"
import * as Packet from "../../../src/protocol/Packet.ts"
import { Server } from "./harness.ts"

const submission = Codec.encode(Packet.request("SUBMIT_JOB", { function: "f", unique: "", workload: "x" }))
const complete = (handle: string, data: string) => Codec.encode(Packet.request("WORK_COMPLETE", { handle, data }))
const grab = Codec.encode(Packet.request("GRAB_JOB_UNIQ", {}))

describe("in a rush", () => {
  it("callers wait while jobs do, workers never, and all have been told in the end", () => {
    const server = new Server()
    const [worker, caller] = [server.worker("f"), server.connect()]
    worker.drop()
    caller.bytesInRush(submission, submission, submission)
    assert.deepStrictEqual(caller.read(), [])
    assert.isTrue(server.core.owesAnswers)
    worker.bytesInRush(grab)
    assert.deepStrictEqual(worker.read(), ["JOB_ASSIGN_UNIQ H:1|f||x"])
    worker.bytesInRush(complete("H:1", "done"), grab)
    assert.deepStrictEqual(worker.read(), ["JOB_ASSIGN_UNIQ H:2|f||x"])
    assert.deepStrictEqual(caller.read(), [])
    caller.sends = 0
    server.core.flush()
    assert.deepStrictEqual(caller.read(), [
      "JOB_CREATED H:1",
      "JOB_CREATED H:2",
      "JOB_CREATED H:3",
      "WORK_COMPLETE H:1|done"
    ])
    assert.strictEqual(caller.sends, 1)
    assert.isFalse(server.core.owesAnswers)
  })

  it("nobody waits where no job does: workers would, too", () => {
    const server = new Server()
    const [worker, caller] = [server.worker("f"), server.connect()]
    caller.bytes(submission)
    worker.bytes(grab)
    caller.drop()
    worker.bytesInRush(complete("H:1", "done"))
    assert.deepStrictEqual(caller.read(), ["WORK_COMPLETE H:1|done"])
  })

  it("who has a system call's worth to hear does not wait for more", () => {
    const server = new Server()
    const caller = server.connect()
    caller.bytesInRush(submission, Codec.encode(Packet.request("ECHO_REQ", { data: "x".repeat(31_000) })))
    assert.deepStrictEqual(caller.read(), [])
    caller.bytesInRush(Codec.encode(Packet.request("ECHO_REQ", { data: "x".repeat(2_000) })))
    assert.strictEqual(caller.read().length, 3)
  })

  it("who is told to go does not wait, nor who went while it waited", () => {
    const server = new Server()
    const [refused, gone] = [server.connect(), server.connect()]
    gone.bytesInRush(submission, submission)
    refused.bytesInRush(Codec.fromLatin1("\u00ff".repeat(9_000)))
    assert.strictEqual(refused.closed, "ended")
    server.core.disconnected(gone.session, server.now)
    server.core.flush()
    assert.deepStrictEqual(gone.read(), [])
    assert.deepStrictEqual(server.core.violations(), [])
  })
})
