/** A server that drains: what is there is finished, and nothing is added to it. */
import { assert, describe, it } from "vitest"
import type { ShutdownKind } from "../../../src/protocol/server/JobServerCore.ts"
import { Server } from "./harness.ts"

const refusal = "ERROR SHUTTING_DOWN|The job was not taken; ask another server"

describe("a server that is to end", () => {
  it("refuses new jobs while it drains, and says so in a way that clients understand", () => {
    const server = new Server()
    const client = server.connect()
    client.submit("f", "u")
    assert.deepStrictEqual(client.read(), ["JOB_CREATED H:1"])
    server.core.requestShutdown("drain")
    client.submit("f")
    client.background("f")
    client.submit("new")
    assert.deepStrictEqual(client.read(), [refusal, refusal, refusal])
    assert.strictEqual(server.core.jobs.refusals.byReason.get("draining"), 3)
    assert.deepStrictEqual(server.core.violations(), [])
  })

  it("lets callers join a job that is waited for, and nobody one that may be lost with it", () => {
    const server = new Server()
    const client = server.connect()
    client.submit("f", "u")
    server.core.requestShutdown("drain")
    client.submit("f", "u")
    client.background("f", "u")
    assert.deepStrictEqual(client.read(), ["JOB_CREATED H:1", "JOB_CREATED H:1", refusal])
  })

  it("has its jobs taken and finished, and then is idle", () => {
    const server = new Server()
    const client = server.connect()
    client.submit("f")
    client.read()
    const worker = server.worker("f")
    server.core.requestShutdown("drain")
    assert.deepStrictEqual(worker.grab(), ["JOB_ASSIGN_UNIQ H:1|f||x"])
    assert.isFalse(server.core.isIdle)
    worker.complete("H:1", "done")
    assert.deepStrictEqual(client.read(), ["WORK_COMPLETE H:1|done"])
    assert.isTrue(server.core.isIdle)
  })

  it("takes jobs on when it is to end gracefully as gearmand does", () => {
    const server = new Server()
    const client = server.connect()
    server.core.requestShutdown("graceful")
    client.submit("f")
    assert.deepStrictEqual(client.read(), ["JOB_CREATED H:1"])
  })

  it.each([
    [["graceful", "drain"], "drain"],
    [["drain", "graceful"], "drain"],
    [["drain", "now"], "now"],
    [["now", "drain", "graceful"], "now"]
  ] as ReadonlyArray<readonly [ReadonlyArray<ShutdownKind>, ShutdownKind]>)(
    "asked for %j, it does %s",
    (asked, done) => {
      const { core } = new Server()
      for (const kind of asked) core.requestShutdown(kind)
      assert.strictEqual(core.shutdown, done)
      assert.strictEqual(core.jobs.isDraining, done === "drain")
    }
  )
})
