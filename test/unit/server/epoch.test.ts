/** SUBMIT_JOB_EPOCH: not before its time, and then at once, whatever becomes of the clocks. */
import { assert, describe, it } from "@effect/vitest"
import { type Connection, Server } from "./harness.ts"

const dayMillis = 86_400_000

const epoch = (client: Connection, millis: number | string, unique = "") =>
  client.send("SUBMIT_JOB_EPOCH", {
    function: "f",
    unique,
    epoch: typeof millis === "string" ? millis : `${Math.floor(millis / 1000)}`,
    workload: "x"
  })

describe("an epoch job", () => {
  it("wakes a sleeper when its time has come, and is not there before", () => {
    const server = new Server()
    const [client, worker] = [server.connect(), server.worker("f")]
    worker.sleep()
    epoch(client, server.now.wallMillis + 2000)
    assert.deepStrictEqual(worker.read(), [])
    assert.deepStrictEqual([worker.grab(), worker.sleep()], [["NO_JOB"], []])
    server.advance(1999)
    assert.deepStrictEqual(worker.read(), [])
    server.advance(1)
    assert.deepStrictEqual(worker.read(), ["NOOP"])
    assert.deepStrictEqual(worker.grab(), ["JOB_ASSIGN_UNIQ H:1|f||x"])
  })

  it("runs at once when its time is past, or none", () => {
    for (const time of ["0", "1", "-5", "", "abc", "9x", " +7"]) {
      const server = new Server()
      epoch(server.connect(), time)
      assert.deepStrictEqual(server.worker("f").grab(), ["JOB_ASSIGN_UNIQ H:1|f||x"], time)
    }
  })

  it("may be years ahead; the server never sleeps over it for long", () => {
    const server = new Server()
    const [client, worker] = [server.connect(), server.worker("f")]
    worker.sleep()
    epoch(client, server.now.wallMillis + 20 * 365 * dayMillis)
    assert.isAtMost(server.core.nextDeadlineMillis(server.now), 60_000)
    server.setWallClock(server.now.wallMillis + 20 * 365 * dayMillis)
    assert.strictEqual(server.core.nextDeadlineMillis(server.now), 0)
    server.core.timeReached(server.now)
    server.core.flush()
    assert.deepStrictEqual(worker.read(), ["NOOP"])
  })

  it("waits on when the wall clock is set back", () => {
    const server = new Server()
    const client = server.connect()
    epoch(client, server.now.wallMillis + 5000)
    server.advance(4000)
    server.setWallClock(server.now.wallMillis - 60_000)
    server.advance(2000)
    assert.deepStrictEqual(server.worker("f").grab(), ["NO_JOB"])
    server.advance(59_000)
    assert.deepStrictEqual(server.worker("f").grab(), ["JOB_ASSIGN_UNIQ H:1|f||x"])
  })

  it("is found by a grab as soon as it is due, even before anybody looked at the clock", () => {
    const server = new Server()
    epoch(server.connect(), server.now.wallMillis + 1000)
    const worker = server.worker("f")
    server.setWallClock(server.now.wallMillis + 1000)
    assert.deepStrictEqual(worker.grab(), ["JOB_ASSIGN_UNIQ H:1|f||x"])
  })

  it("lets others join; its own time wins, and priority is raised", () => {
    const server = new Server()
    const [client, worker] = [server.connect(), server.worker("f")]
    epoch(client, server.now.wallMillis + 1000, "u")
    client.send("SUBMIT_JOB_HIGH", { function: "f", unique: "u", workload: "y" })
    assert.deepStrictEqual(client.read(), ["JOB_CREATED H:1", "JOB_CREATED H:1"])
    assert.strictEqual(client.command("prioritystatus"), "f\t1\t0\t0\t1\n.\n")
    assert.deepStrictEqual(worker.grab(), ["NO_JOB"])
    server.advance(1000)
    worker.grab()
    worker.complete("H:1", "r")
    assert.deepStrictEqual(client.read(), ["WORK_COMPLETE H:1|r"])
  })

  it("does not hide other jobs, and comes in the order of its time", () => {
    const server = new Server()
    const client = server.connect()
    epoch(client, server.now.wallMillis + 3000, "third")
    epoch(client, server.now.wallMillis + 1000, "first")
    epoch(client, server.now.wallMillis + 2000, "second")
    client.send("SUBMIT_JOB_LOW_BG", { function: "f", unique: "low", workload: "x" })
    const worker = server.worker("f")
    assert.deepStrictEqual(worker.grab(), ["JOB_ASSIGN_UNIQ H:4|f|low|x"])
    server.advance(3000)
    assert.deepStrictEqual(
      [1, 2, 3].flatMap(() => worker.grab()).map((reply) => reply.split("|")[2]),
      ["first", "second", "third"]
    )
  })
})
