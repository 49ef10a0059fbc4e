/** What workers report, and who hears of it. */
import { assert, describe, it } from "@effect/vitest"
import { Server } from "./harness.ts"

const running = (options = {}) => {
  const server = new Server(options)
  const [client, worker] = [server.connect(), server.worker("f")]
  client.submit("f", "u")
  worker.grab()
  client.drop()
  return { server, client, worker }
}

describe("reports", () => {
  it("reach every listener in order, from the moment it joined", () => {
    const { client, server, worker } = running()
    const late = server.connect()
    worker.send("WORK_DATA", { handle: "H:1", data: "1" })
    late.submit("f", "u")
    worker.send("WORK_WARNING", { handle: "H:1", data: "2" })
    worker.send("WORK_STATUS", { handle: "H:1", numerator: "3", denominator: "4" })
    worker.send("WORK_DATA", { handle: "H:1", data: "" })
    worker.complete("H:1", "5")
    const shared = ["WORK_WARNING H:1|2", "WORK_STATUS H:1|3|4", "WORK_DATA H:1|", "WORK_COMPLETE H:1|5"]
    assert.deepStrictEqual(client.read(), ["WORK_DATA H:1|1", ...shared])
    assert.deepStrictEqual(late.read(), ["JOB_CREATED H:1", ...shared])
    assert.deepStrictEqual(worker.read(), [])
  })

  it("of a background job reach nobody", () => {
    const server = new Server()
    const [client, worker] = [server.connect(), server.worker("f")]
    client.background("f")
    worker.grab()
    client.drop()
    worker.send("WORK_DATA", { handle: "H:1", data: "x" })
    worker.complete("H:1")
    assert.deepStrictEqual(client.read(), [])
  })

  it("of a failure are final", () => {
    const { client, worker } = running()
    worker.send("WORK_FAIL", { handle: "H:1" })
    worker.complete("H:1")
    assert.deepStrictEqual(client.read(), ["WORK_FAIL H:1"])
    assert.deepStrictEqual(worker.read(), ["ERROR JOB_NOT_FOUND|Job given in work result not found"])
  })

  it("are taken from the job's worker only", () => {
    const { client, server, worker } = running()
    const stranger = server.worker("f")
    stranger.send("WORK_DATA", { handle: "H:1", data: "" })
    stranger.send("WORK_WARNING", { handle: "H:1", data: "" })
    stranger.send("WORK_STATUS", { handle: "H:1", numerator: "1", denominator: "1" })
    stranger.complete("H:1")
    stranger.send("WORK_FAIL", { handle: "H:1" })
    stranger.send("WORK_EXCEPTION", { handle: "H:1", data: "" })
    assert.deepStrictEqual(stranger.read(), [
      "ERROR JOB_NOT_FOUND|Job does not exist on server",
      "ERROR JOB_NOT_FOUND|Job does not exist on server",
      "ERROR JOB_NOT_FOUND|Job given in work result not found",
      "ERROR JOB_NOT_FOUND|Job given in work result not found",
      "ERROR JOB_NOT_FOUND|Job given in work result not found",
      "ERROR JOB_NOT_FOUND|An exception was received for a job that does not exist"
    ])
    assert.deepStrictEqual(client.read(), [])
    worker.complete("H:1")
    assert.deepStrictEqual(client.read(), ["WORK_COMPLETE H:1|"])
  })

  it("refuse a handle that cannot be one", () => {
    const worker = new Server().worker("f")
    for (const handle of ["", "H:", "H:01", "H:1x", "G:1", "H:1:1", "H:99999999999999999999"]) worker.complete(handle)
    assert.strictEqual(worker.read().length, 7)
    worker.send("WORK_FAIL", { handle: "x".repeat(64) })
    assert.deepStrictEqual(worker.read(), [
      "ERROR ARGUMENT_TOO_LARGE|Error occurred due to GEARMAND_JOB_HANDLE_SIZE being too small from snprintf"
    ])
  })

  it("of an exception go to those who asked for exceptions, as a failure to the others", () => {
    const { client, server, worker } = running()
    const asking = server.connect()
    asking.send("OPTION_REQ", { option: "Exceptions" })
    asking.submit("f", "u")
    assert.deepStrictEqual(asking.read(), ["OPTION_RES Exceptions", "JOB_CREATED H:1"])
    worker.send("WORK_EXCEPTION", { handle: "H:1", data: "boom" })
    assert.deepStrictEqual(asking.read(), ["WORK_EXCEPTION H:1|boom"])
    assert.deepStrictEqual(client.read(), ["WORK_FAIL H:1"])
    assert.strictEqual(server.core.inspect().counts.jobs, 0)
  })

  it("of an exception go to all where the server says so", () => {
    const { client, worker } = running({ exceptions: true })
    worker.send("WORK_EXCEPTION", { handle: "H:1", data: "boom" })
    assert.deepStrictEqual(client.read(), ["WORK_EXCEPTION H:1|boom"])
  })

  it("of many kilobytes are shared between listeners, whole and in order", () => {
    for (const last of ["WORK_COMPLETE", "WORK_EXCEPTION"] as const) {
      const { client, server, worker } = running({ exceptions: true })
      const other = server.connect()
      other.submit("f", "u")
      other.drop()
      const data = "0123456789".repeat(4000)
      worker.send("WORK_DATA", { handle: "H:1", data: "small" })
      worker.send("WORK_DATA", { handle: "H:1", data })
      worker.send("WORK_WARNING", { handle: "H:1", data: "small" })
      worker.send(last, { handle: "H:1", data })
      const expected = ["WORK_DATA H:1|small", `WORK_DATA H:1|${data}`, "WORK_WARNING H:1|small", `${last} H:1|${data}`]
      assert.deepStrictEqual(client.read(), expected)
      assert.deepStrictEqual(other.read(), expected)
      assert.strictEqual(client.lastChunk, other.lastChunk)
    }
  })
})

describe("GET_STATUS", () => {
  it("tells known, running and progress", () => {
    const server = new Server()
    const [client, worker] = [server.connect(), server.worker("f")]
    const ask = () => {
      client.drop().send("GET_STATUS", { handle: "H:1" })
      return client.read()[0]
    }
    assert.strictEqual(ask(), "STATUS_RES H:1|0|0|0|0")
    client.background("f")
    assert.strictEqual(ask(), "STATUS_RES H:1|1|0|0|0")
    worker.grab()
    assert.strictEqual(ask(), "STATUS_RES H:1|1|1|0|0")
    for (const [numerator, denominator, shown] of [
      ["25", "100", "25|100"],
      ["-5", "10", "4294967291|10"],
      ["0.5", "1.5", "0|1"],
      ["abc", "", "0|0"],
      [" +7", "4294967296", "7|0"],
      ["99999999999999999999", "-99999999999999999999", "4294967295|0"]
    ] as const) {
      worker.send("WORK_STATUS", { handle: "H:1", numerator, denominator })
      assert.strictEqual(ask(), `STATUS_RES H:1|1|1|${shown}`)
    }
    worker.complete("H:1")
    assert.strictEqual(ask(), "STATUS_RES H:1|0|0|0|0")
  })

  it("echoes what was asked up to a NUL", () => {
    const client = new Server().connect()
    client.raw(15, "H:9\0junk")
    assert.deepStrictEqual(client.read(), ["STATUS_RES H:9|0|0|0|0"])
  })
})

describe("GET_STATUS_UNIQUE", () => {
  it("tells known, running, progress and how many clients wait, of whatever function", () => {
    const server = new Server()
    const [client, worker] = [server.connect(), server.worker("f")]
    const ask = (unique = "u") => {
      client.drop().raw(41, unique)
      return client.read()[0]
    }
    assert.strictEqual(ask(), "STATUS_RES_UNIQUE u|0|0|0|0|0")
    client.background("f", "u")
    assert.strictEqual(ask(), "STATUS_RES_UNIQUE u|1|0|0|0|0")
    client.submit("f", "u")
    client.submit("f", "u")
    worker.grab()
    worker.send("WORK_STATUS", { handle: "H:1", numerator: "1", denominator: "4" })
    assert.strictEqual(ask("u\0junk"), "STATUS_RES_UNIQUE u|1|1|1|4|2")
    client.background("g", "u")
    assert.strictEqual(ask(), "STATUS_RES_UNIQUE u|1|0|0|0|0")
    worker.complete("H:1")
    assert.strictEqual(ask(), "STATUS_RES_UNIQUE u|1|0|0|0|0")
  })

  it("knows neither an empty unique nor a `-`", () => {
    const client = new Server().connect()
    client.background("f", "", "x")
    client.background("f", "-", "x")
    client.drop().raw(41, "")
    client.raw(41, "-")
    client.raw(41, "u".repeat(100))
    assert.deepStrictEqual(client.read(), [
      "STATUS_RES_UNIQUE |0|0|0|0|0",
      "STATUS_RES_UNIQUE -|0|0|0|0|0",
      `STATUS_RES_UNIQUE ${"u".repeat(100)}|0|0|0|0|0`
    ])
  })
})

describe("ECHO_REQ", () => {
  it("gives any bytes back", () => {
    const client = new Server().connect()
    for (const data of ["", "a\0b", "x".repeat(10_000)]) {
      client.raw(16, data)
      assert.deepStrictEqual(client.read(), [`ECHO_RES ${data.replace("\0", "|")}`.trimEnd()])
    }
  })
})

describe("replies", () => {
  it("of a batch go out together, in order", () => {
    const server = new Server()
    const client = server.connect()
    client.bytes(new TextEncoder().encode("version\nversion\nversion\n"))
    assert.strictEqual(client.sends, 1)
    assert.strictEqual(client.readText(), `OK ${server.core.options.version}\n`.repeat(3))
  })
})
