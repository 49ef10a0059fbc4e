/** A grab that finds nothing: its answer waits until nothing more comes, and no longer. */
import { assert, describe, it } from "@effect/vitest"
import * as Codec from "../../../src/protocol/Codec.ts"
import * as Packet from "../../../src/protocol/Packet.ts"
import { type Connection, Server } from "./harness.ts"

const grab = Codec.encode(Packet.request("GRAB_JOB_UNIQ", {}))
const submission = (fn: string) =>
  Codec.encode(Packet.request("SUBMIT_JOB_BG", { function: fn, unique: "", workload: "x" }))

const asks = (worker: Connection) => worker.bytesBeforeMore(grab)

describe("a grab that finds nothing", () => {
  it("is answered when nothing more comes", () => {
    const server = new Server()
    const worker = server.worker("f")
    asks(worker)
    assert.deepStrictEqual(worker.read(), [])
    assert.isTrue(server.core.owesAnswers)
    server.core.flush()
    assert.deepStrictEqual(worker.read(), ["NO_JOB"])
    assert.isFalse(server.core.owesAnswers)
  })

  it("gets a job that comes meanwhile, and nobody is woken for that", () => {
    const server = new Server()
    const [asleep, other, first, second] = [
      server.worker("f"),
      server.worker("g"),
      server.worker("f"),
      server.worker("f")
    ]
    asleep.sleep()
    for (const worker of [other, first, second]) asks(worker)
    server.connect().bytesBeforeMore(submission("f"))
    assert.deepStrictEqual(first.read(), ["JOB_ASSIGN_UNIQ H:1|f||x"])
    assert.deepStrictEqual(asleep.read(), [])
    server.core.flush()
    assert.deepStrictEqual([other.read(), second.read()], [["NO_JOB"], ["NO_JOB"]])
    assert.deepStrictEqual(server.core.violations(), [])
  })

  it("gets the job of the highest priority among those that come meanwhile", () => {
    const server = new Server()
    const [asleep, worker] = [server.worker("f"), server.worker("f")]
    asleep.sleep()
    asks(worker)
    const urgent = Codec.encode(Packet.request("SUBMIT_JOB_HIGH_BG", { function: "f", unique: "", workload: "x" }))
    server.connect().bytesBeforeMore(submission("f"), urgent)
    assert.deepStrictEqual(worker.read(), ["JOB_ASSIGN_UNIQ H:2|f||x"])
    assert.deepStrictEqual(asleep.read(), ["NOOP"])
  })

  it("leaves as many asleep as there are jobs for those who have asked", () => {
    const server = new Server({ workerWakeup: 1 })
    const sleepers = Array.from({ length: 3 }, () => server.worker("f"))
    for (const worker of sleepers) worker.sleep()
    asks(server.worker("f"))
    server.connect().bytesBeforeMore(submission("f"), submission("f"), submission("f"))
    assert.deepStrictEqual(
      sleepers.map((worker) => worker.read()),
      [["NOOP"], ["NOOP"], []]
    )
  })

  it("gets a job that its worker has lost meanwhile, as it was asked for", () => {
    const server = new Server()
    server.connect().background("f", "u")
    const [lost, asking] = [server.worker("f"), server.worker("f")]
    lost.grab()
    asking.bytesBeforeMore(Codec.encode(Packet.request("GRAB_JOB", {})))
    server.core.disconnected(lost.session, server.now)
    server.core.send()
    assert.deepStrictEqual(asking.read(), ["JOB_ASSIGN H:1|f|x"])
  })

  it("is answered before what the connection says next", () => {
    const server = new Server()
    const worker = server.worker("f")
    worker.bytesBeforeMore(grab, submission("f"), grab)
    assert.deepStrictEqual(worker.read(), ["NO_JOB", "JOB_CREATED H:1", "JOB_ASSIGN_UNIQ H:1|f||x"])
    worker.bytesBeforeMore(grab)
    assert.isTrue(worker.command("version").length > 0)
    worker.bytesBeforeMore(grab, Codec.encode(Packet.request("PRE_SLEEP", {})))
    server.connect().bytesBeforeMore(submission("f"))
    assert.deepStrictEqual(worker.read(), ["NO_JOB", "NOOP"])
  })

  it("gives nothing to a connection that is gone", () => {
    const server = new Server()
    const [gone, there] = [server.worker("f"), server.worker("f")]
    asks(gone)
    asks(there)
    server.core.disconnected(gone.session, server.now)
    server.connect().bytesBeforeMore(submission("f"))
    assert.deepStrictEqual(there.read(), ["JOB_ASSIGN_UNIQ H:1|f||x"])
    assert.isFalse(server.core.owesAnswers)
  })

  it("is answered at once when many wait already", () => {
    const server = new Server()
    const workers = Array.from({ length: 65 }, () => server.worker("f"))
    workers.forEach(asks)
    assert.deepStrictEqual(workers.at(-2)!.read(), [])
    assert.deepStrictEqual(workers.at(-1)!.read(), ["NO_JOB"])
  })
})
