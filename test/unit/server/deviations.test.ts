/**
 * Where the job server differs from gearmand on purpose, numbered as in the project's notes
 * on the protocol (section 12, "What a drop-in should do"). Each test tells what gearmand
 * does instead.
 */
import { assert, describe, it } from "@effect/vitest"
import { drawPrefix, Handles } from "../../../src/protocol/server/Handles.ts"
import { Server } from "./harness.ts"

const running = () => {
  const server = new Server()
  const [client, worker] = [server.connect(), server.worker("f")]
  client.submit("f", "u")
  worker.grab()
  client.drop()
  return { server, client, worker }
}

describe("deviation", () => {
  it("1: WORK_FAIL for an exception nobody asked for carries the bare handle (gearmand: a NUL after it)", () => {
    const { client, worker } = running()
    worker.send("WORK_EXCEPTION", { handle: "H:1", data: "boom" })
    assert.strictEqual(client.readText(), "\0RES\0\0\0\x0e\0\0\0\x03H:1")
  })

  it("1: a NUL after the handle of WORK_FAIL is not passed on (gearmand: it is)", () => {
    const { client, worker } = running()
    worker.raw(14, "H:1\0")
    assert.strictEqual(client.readText(), "\0RES\0\0\0\x0e\0\0\0\x03H:1")
  })

  it("2: a report without separators is one without data (gearmand: the connection is lost)", () => {
    const { client, worker } = running()
    for (const type of [28, 29, 12, 12, 13]) worker.raw(type, "H:1")
    assert.strictEqual(
      client.readText(),
      [28, 29].map((type) => `\0RES\0\0\0${String.fromCharCode(type)}\0\0\0\x04H:1\0`).join("") +
        "\0RES\0\0\0\x0c\0\0\0\x05H:1\0\0".repeat(2) +
        "\0RES\0\0\0\x0d\0\0\0\x04H:1\0"
    )
    assert.deepStrictEqual(worker.read(), [])
  })

  it("2: WORK_STATUS without a denominator is one of 0 (gearmand: the connection hangs)", () => {
    const { client, worker } = running()
    worker.raw(12, "H:1\x005")
    client.send("GET_STATUS", { handle: "H:1" })
    assert.deepStrictEqual(client.read(), ["WORK_STATUS H:1|5|", "STATUS_RES H:1|1|1|5|0"])
  })

  it("2: too few separators cost one packet (gearmand: the connection)", () => {
    const client = new Server().connect()
    const errors: ReadonlyArray<readonly [number, string, string]> = [
      [7, "f", "SUBMIT_JOB has 1 of 3 fields"],
      [18, "f\0u", "SUBMIT_JOB_BG has 2 of 3 fields"],
      [36, "f\0u\x001", "SUBMIT_JOB_EPOCH has 3 of 4 fields"],
      [37, "f\0u\0r\0data", "SUBMIT_REDUCE_JOB has 4 of 5 fields"],
      [23, "f", "CAN_DO_TIMEOUT has 1 of 2 fields"]
    ]
    for (const [type, body, text] of errors) {
      client.raw(type, body)
      assert.deepStrictEqual(client.read(), [`ERROR INVALID_PACKET|${text}`])
    }
    client.raw(16, "hi")
    assert.deepStrictEqual(client.read(), ["ECHO_RES hi"])
  })

  it("3: WORK_FAIL after WORK_EXCEPTION is swallowed once (gearmand: an ERROR, of which Perl's worker dies)", () => {
    const { client, worker } = running()
    worker.send("WORK_EXCEPTION", { handle: "H:1", data: "boom" })
    worker.send("WORK_FAIL", { handle: "H:1" })
    assert.deepStrictEqual([client.read(), worker.read()], [["WORK_FAIL H:1"], []])
    worker.send("WORK_FAIL", { handle: "H:1" })
    assert.deepStrictEqual(worker.read(), ["ERROR JOB_NOT_FOUND|Job given in work result not found"])
  })

  const timedOut = () => {
    const server = new Server()
    const [client, slow] = [server.connect(), server.connect()]
    slow.send("CAN_DO_TIMEOUT", { function: "f", timeout: "1000" })
    client.submit("f", "u")
    slow.grab()
    client.drop()
    server.advance(1000)
    return { server, client, slow }
  }

  it("3: a late WORK_COMPLETE completes a job that is queued again (gearmand: JOB_NOT_FOUND, for ever)", () => {
    const { client, server, slow } = timedOut()
    slow.complete("H:1", "late")
    assert.deepStrictEqual([client.read(), slow.read()], [["WORK_COMPLETE H:1|late"], []])
    assert.strictEqual(server.core.inspect().counts.jobs, 0)
  })

  it("3: other late reports are swallowed, and so is a result when somebody else has the job", () => {
    const { client, server, slow } = timedOut()
    const other = server.worker("f")
    slow.send("WORK_DATA", { handle: "H:1", data: "late" })
    slow.send("WORK_STATUS", { handle: "H:1", numerator: "1", denominator: "2" })
    slow.send("WORK_WARNING", { handle: "H:1", data: "late" })
    assert.deepStrictEqual(other.grab(), ["JOB_ASSIGN_UNIQ H:1|f|u|x"])
    slow.complete("H:1", "late")
    other.complete("H:1", "good")
    assert.deepStrictEqual([client.read(), slow.read(), other.read()], [["WORK_COMPLETE H:1|good"], [], []])
    slow.complete("H:1", "later")
    assert.deepStrictEqual(slow.read(), ["ERROR JOB_NOT_FOUND|Job given in work result not found"])
  })

  it("3: a late WORK_COMPLETE completes a job that is queued once more, since who had it next is gone", () => {
    const { client, server, slow } = timedOut()
    const other = server.worker("f")
    assert.deepStrictEqual(other.grab(), ["JOB_ASSIGN_UNIQ H:1|f|u|x"])
    other.close()
    slow.complete("H:1", "late")
    assert.deepStrictEqual([client.read(), slow.read()], [["WORK_COMPLETE H:1|late"], []])
    assert.strictEqual(server.core.inspect().counts.jobs, 0)
  })

  it("3: a late exception and its failure are swallowed, and the job stays", () => {
    const { client, server, slow } = timedOut()
    slow.send("WORK_EXCEPTION", { handle: "H:1", data: "late" })
    slow.send("WORK_FAIL", { handle: "H:1" })
    assert.deepStrictEqual([client.read(), slow.read()], [[], []])
    assert.deepStrictEqual(server.worker("f").grab(), ["JOB_ASSIGN_UNIQ H:1|f|u|x"])
  })

  it("3: a job that the slow worker itself took again is its own", () => {
    const { client, slow } = timedOut()
    slow.grab()
    slow.send("WORK_DATA", { handle: "H:1", data: "1" })
    slow.complete("H:1", "2")
    assert.deepStrictEqual(client.read(), ["WORK_DATA H:1|1", "WORK_COMPLETE H:1|2"])
  })

  it("3: what lost attempts may still send is remembered for the last 256 only", () => {
    const server = new Server()
    const worker = server.worker("f")
    const client = server.connect()
    for (let number = 1; number <= 300; number++) {
      client.background("f")
      worker.grab()
      worker.send("WORK_EXCEPTION", { handle: `H:${number}`, data: "" })
    }
    assert.strictEqual(server.core.inspect().sessions[0]!.formerAttempts, 256)
  })

  it("4: an abandoned queued job is gone at once (gearmand: it is listed until a worker asks)", () => {
    const server = new Server()
    const client = server.connect()
    client.submit("f", "u")
    client.close()
    const other = server.connect()
    assert.strictEqual(other.command("status"), "f\t0\t0\t0\n.\n")
    other.submit("f", "u")
    assert.deepStrictEqual(other.read(), ["JOB_CREATED H:2"])
    assert.deepStrictEqual(server.worker("f").grab(), ["JOB_ASSIGN_UNIQ H:2|f|u|x"])
  })

  it("4: an abandoned running job that somebody joins again is requeued when its worker is lost", () => {
    const { client, server, worker } = running()
    client.close()
    const other = server.connect()
    other.submit("f", "u")
    worker.close()
    assert.deepStrictEqual(server.worker("f").grab(), ["JOB_ASSIGN_UNIQ H:1|f|u|x"])
  })

  it("4: a background job outlives a foreground client that had joined it (gearmand: it is lost)", () => {
    const server = new Server()
    server.connect().background("f", "u")
    const client = server.connect()
    client.submit("f", "u")
    client.close()
    assert.deepStrictEqual(server.worker("f").grab(), ["JOB_ASSIGN_UNIQ H:1|f|u|x"])
  })

  it("5: a background submission that joins a foreground job keeps it alive (gearmand: it does not)", () => {
    const server = new Server()
    const client = server.connect()
    client.submit("f", "u")
    server.connect().background("f", "u")
    client.close()
    assert.strictEqual(server.connect().command("show jobs"), "H:1\t0\t0\t1\n.\n")
    const worker = server.worker("f")
    worker.grab()
    worker.close()
    assert.deepStrictEqual(server.worker("f").grab(), ["JOB_ASSIGN_UNIQ H:1|f|u|x"])
  })

  it("6: a cancelled running job tells its clients once and frees its unique (gearmand: twice, and does not)", () => {
    const { client, server, worker } = running()
    assert.strictEqual(server.connect().command("cancel job H:1"), "OK\r\n")
    assert.strictEqual(server.connect().command("cancel job H:1"), "ERR UNKNOWN_JOB\r\n")
    client.submit("f", "u")
    assert.deepStrictEqual(client.read(), ["WORK_FAIL H:1", "JOB_CREATED H:2"])
    worker.send("WORK_DATA", { handle: "H:1", data: "x" })
    worker.complete("H:1", "x")
    assert.deepStrictEqual([client.read(), worker.read()], [[], []])
    assert.deepStrictEqual(worker.grab(), ["JOB_ASSIGN_UNIQ H:2|f|u|x"])
  })

  it("6: a cancelled running job does not come back when its worker is lost", () => {
    const { server, worker } = running()
    server.connect().command("cancel job H:1")
    assert.strictEqual(server.connect().command("show jobs"), "H:1\t0\t1\t0\n.\n")
    worker.close()
    assert.strictEqual(server.core.inspect().counts.jobs, 0)
  })

  it("7: CAN_DO twice is once (gearmand: two entries)", () => {
    const server = new Server()
    const worker = server.worker("f", "f")
    const client = server.connect()
    assert.strictEqual(client.command("status"), "f\t0\t0\t1\n.\n")
    worker.send("CANT_DO", { function: "f" })
    assert.strictEqual(client.command("status"), "f\t0\t0\t0\n.\n")
  })

  it("7: CANT_DO and RESET_ABILITIES leave running jobs alone (gearmand: they run twice)", () => {
    for (const name of ["CANT_DO", "RESET_ABILITIES"] as const) {
      const { client, server, worker } = running()
      worker.send(name, { function: "f" })
      assert.deepStrictEqual(server.worker("f").grab(), ["NO_JOB"])
      worker.complete("H:1", "r")
      assert.deepStrictEqual([client.read(), worker.read()], [["WORK_COMPLETE H:1|r"], []])
    }
  })

  it("8: a unique of 64 bytes is kept whole and merges (gearmand: it is cut, and a byte gets into the workload)", () => {
    const server = new Server()
    const client = server.connect()
    const unique = "u".repeat(64)
    client.background("f", unique, "data")
    client.background("f", unique, "other")
    assert.deepStrictEqual(client.read(), ["JOB_CREATED H:1", "JOB_CREATED H:1"])
    assert.deepStrictEqual(server.worker("f").grab(), [`JOB_ASSIGN_UNIQ H:1|f|${unique}|data`])
  })

  it("8: reduce submissions have their unique checked, not their reducer (gearmand: it gives away its memory)", () => {
    const client = new Server().connect()
    const reduce = (unique: string, reducer: string) =>
      client.send("SUBMIT_REDUCE_JOB_BACKGROUND", { function: "f", unique, reducer, aggregator: "", workload: "x" })
    reduce("u".repeat(65), "r")
    reduce("u", "r".repeat(65))
    assert.deepStrictEqual(client.read(), ["ERROR ARGUMENT_TOO_LARGE|Unique value too large", "JOB_CREATED H:1"])
  })

  it("8: a type above 0x7fffffff closes the connection (gearmand: the process dies)", () => {
    const client = new Server().connect()
    client.bytes(Uint8Array.of(0, 0x52, 0x45, 0x51, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0))
    assert.strictEqual(client.closed, "ended")
  })

  it("9: each job has its own timer, gone when the job is (gearmand: -1 running jobs)", () => {
    const server = new Server()
    const [client, worker] = [server.connect(), server.connect()]
    worker.send("CAN_DO_TIMEOUT", { function: "f", timeout: "1000" })
    for (const unique of ["1", "2", "3"]) client.background("f", unique)
    worker.grab()
    server.advance(500)
    worker.grab()
    worker.complete("H:1")
    worker.grab()
    worker.send("WORK_FAIL", { handle: "H:3" })
    server.advance(500)
    assert.strictEqual(client.drop().command("status"), "f\t1\t1\t1\n.\n")
    server.advance(500)
    assert.strictEqual(client.command("status"), "f\t1\t0\t1\n.\n")
    worker.complete("H:2")
    assert.strictEqual(client.command("status"), "f\t0\t0\t1\n.\n")
  })

  it("10: a scheduled job wakes nobody before its time, and GRAB and PRE_SLEEP agree (gearmand 1.1: workers spin)", () => {
    const server = new Server()
    const [client, worker] = [server.connect(), server.worker("f")]
    client.send("SUBMIT_JOB_EPOCH", { function: "f", unique: "later", epoch: "4000000000", workload: "" })
    client.send("SUBMIT_JOB_LOW_BG", { function: "f", unique: "low", workload: "x" })
    assert.deepStrictEqual(worker.sleep(), ["NOOP"])
    assert.deepStrictEqual(worker.grab(), ["JOB_ASSIGN_UNIQ H:2|f|low|x"])
    assert.deepStrictEqual([worker.grab(), worker.sleep()], [["NO_JOB"], []])
  })

  it("11: a status request is always answered, however long (gearmand: never, and the connection is lost)", () => {
    const client = new Server().connect()
    const long = "x".repeat(64)
    client.raw(15, long)
    client.raw(41, long)
    assert.deepStrictEqual(client.read(), [`STATUS_RES ${long}|0|0|0|0`, `STATUS_RES_UNIQUE ${long}|0|0|0|0|0`])
  })

  it("11: WORK_STATUS is passed on whatever the length of its numbers (gearmand: from 12 digits on it is lost)", () => {
    const { client, worker } = running()
    worker.send("WORK_STATUS", { handle: "H:1", numerator: "1", denominator: "123456789012" })
    assert.deepStrictEqual(client.read(), ["WORK_STATUS H:1|1|123456789012"])
  })

  it("12: handles of two starts differ, and clients take them (gearmand: it counts from 1 again)", () => {
    const [one, other] = [1, 2].map(() => new Handles(drawPrefix(Math.random), true).textOf(1)) as [string, string]
    for (const handle of [one, other]) assert.match(handle, /^H:[0-9a-z]{12}:0{9}1$/)
    assert.notStrictEqual(one, other)
  })

  it("13: progress that nobody reported is 0 (as in gearmand; Perl's server leaves it empty)", () => {
    const { client } = running()
    client.send("GET_STATUS", { handle: "H:1" })
    assert.deepStrictEqual(client.read(), ["STATUS_RES H:1|1|1|0|0"])
  })

  it("text: create function keeps its last letter, and drop function spares queued jobs (gearmand: neither)", () => {
    const client = new Server().connect()
    client.command("create function hello")
    client.background("f")
    client.drop()
    assert.strictEqual(
      client.command("drop function f"),
      "ERR there are still connected workers or executing clients\r\n"
    )
    assert.deepStrictEqual(client.command("status").split("\n").toSorted(), ["", ".", "f\t1\t0\t0", "hello\t0\t0\t0"])
  })
})
