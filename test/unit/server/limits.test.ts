/** Every limit, one byte below and one above; and what hostile bytes do. */
import { assert, describe, it } from "@effect/vitest"
import * as Codec from "../../../src/protocol/Codec.ts"
import { rawPacket, Server } from "./harness.ts"

describe("a limit", () => {
  it("on a function name refuses submissions and abilities, and nothing else is lost", () => {
    const server = new Server()
    const client = server.connect()
    const [longest, tooLong] = ["f".repeat(512), "f".repeat(513)]
    client.background(longest)
    client.background(tooLong)
    client.canDo(tooLong)
    client.send("CAN_DO_TIMEOUT", { function: tooLong, timeout: "1000" })
    client.send("SUBMIT_REDUCE_JOB", { function: "f", unique: "", reducer: tooLong, aggregator: "", workload: "" })
    client.submit("f")
    assert.deepStrictEqual(client.read(), [
      "JOB_CREATED H:1",
      "ERROR ARGUMENT_TOO_LARGE|Function name too large",
      "ERROR ARGUMENT_TOO_LARGE|Function name too large",
      "ERROR ARGUMENT_TOO_LARGE|Function name too large",
      "ERROR ARGUMENT_TOO_LARGE|Reducer name too large",
      "JOB_CREATED H:2"
    ])
    assert.deepStrictEqual(server.worker(longest).grab(), [`JOB_ASSIGN_UNIQ H:1|${longest}||x`])
  })

  it("on a unique refuses the submission", () => {
    const client = new Server().connect()
    client.background("f", "u".repeat(64))
    client.background("f", "u".repeat(65))
    assert.deepStrictEqual(client.read(), ["JOB_CREATED H:1", "ERROR ARGUMENT_TOO_LARGE|Unique value too large"])
  })

  it("on a client id cuts it", () => {
    const client = new Server().connect()
    client.send("SET_CLIENT_ID", { clientId: "i".repeat(200) })
    assert.strictEqual(client.command("workers"), `1 127.0.0.1 ${"i".repeat(127)} :\n.\n`)
  })

  it("on a packet is told before the body comes, and closes the connection", () => {
    const client = new Server({ maxPacketBytes: 100 }).connect()
    client.raw(16, "x".repeat(100))
    assert.deepStrictEqual(client.read(), [`ECHO_RES ${"x".repeat(100)}`])
    const header = new Uint8Array(Codec.headerBytes)
    Codec.writeHeader(header, 0, false, 16, 0xffffffff)
    client.bytes(header)
    assert.deepStrictEqual(client.read(), ["ERROR ARGUMENT_TOO_LARGE|Packet of 4294967295 bytes; the limit is 100"])
    assert.strictEqual(client.closed, "ended")
  })

  it("on a line closes the connection", () => {
    const [fits, exceeds, endless] = [1, 2, 3].map(() => new Server().connect())
    fits!.command("x".repeat(8191))
    exceeds!.command("x".repeat(8192))
    for (let count = 0; count < 9; count++) endless!.bytes(Codec.fromLatin1("x".repeat(1000)))
    assert.deepStrictEqual(
      [fits!, exceeds!, endless!].map((client) => client.closed),
      ["no", "ended", "ended"]
    )
  })

  it("on words is an option too", () => {
    const client = new Server({ maxLineWords: 2 }).connect()
    assert.strictEqual(client.command("status x"), ".\n")
    client.command("status x y")
    assert.strictEqual(client.closed, "ended")
  })

  it("on jobs holds for jobs and for clients that wait for one", () => {
    const server = new Server({ maxJobs: 2 })
    const client = server.connect()
    client.background("f", "a")
    client.background("f", "b")
    client.background("f", "c")
    client.submit("f", "a")
    client.submit("f", "a")
    client.submit("f", "a")
    client.background("f", "a")
    assert.deepStrictEqual(client.read(), [
      "JOB_CREATED H:1",
      "JOB_CREATED H:2",
      "ERROR QUEUE_ERROR|Job queue is full",
      "JOB_CREATED H:1",
      "JOB_CREATED H:1",
      "ERROR QUEUE_ERROR|Job queue is full",
      "JOB_CREATED H:1"
    ])
  })

  it("on the bytes of all workloads refuses new jobs until some are done", () => {
    const server = new Server({ maxWorkloadBytes: 10 })
    const [client, worker] = [server.connect(), server.worker("f")]
    client.background("f", "a", "x".repeat(6))
    client.background("f", "b", "x".repeat(5))
    client.background("f", "c", "x".repeat(4))
    client.background("f", "a", "x".repeat(6))
    worker.grab()
    worker.complete("H:1")
    client.background("f", "d", "x".repeat(6))
    client.background("f", "e", "x")
    assert.deepStrictEqual(client.read(), [
      "JOB_CREATED H:1",
      "ERROR QUEUE_ERROR|Job queue is full",
      "JOB_CREATED H:2",
      "JOB_CREATED H:1",
      "JOB_CREATED H:3",
      "ERROR QUEUE_ERROR|Job queue is full"
    ])
  })

  it("on jobs of one function leaves others alone, and maxqueue overrules it", () => {
    const server = new Server({ maxJobsPerFunction: 1 })
    const client = server.connect()
    client.background("f")
    client.background("f")
    client.background("g")
    client.command("maxqueue f 2")
    client.drop()
    client.background("f")
    client.background("f")
    assert.deepStrictEqual(client.read(), ["JOB_CREATED H:3", "ERROR QUEUE_ERROR|Job queue is full"])
    assert.deepStrictEqual(server.core.jobs.refusals.byFunction.get("f"), new Map([["maxJobsPerFunction", 2]]))
  })

  it("is counted by its name when it is reached", () => {
    const server = new Server({
      maxJobs: 1,
      maxWorkloadBytes: 5,
      maxFunctions: 1,
      maxConnections: 8,
      maxPacketBytes: 600
    })
    const refused = () => Object.fromEntries(server.core.jobs.refusals.byReason)
    const client = server.connect()
    client.background("f", "", "123456")
    client.background("f")
    client.background("f")
    client.background("g")
    client.background("f", "u".repeat(65))
    client.canDo("f".repeat(513))
    client.raw(16, "x".repeat(601))
    server.connect().command("x".repeat(8192))
    assert.deepStrictEqual(refused(), {
      maxWorkloadBytes: 1,
      maxJobs: 1,
      maxFunctions: 1,
      maxUniqueBytes: 1,
      maxFunctionBytes: 1,
      maxPacketBytes: 1,
      maxLineBytes: 1
    })
    for (let count = 0; count < 8; count++) server.connect()
    assert.throws(() => server.connect())
    assert.strictEqual(refused()["maxConnections"], 1)
  })

  it("on silence closes who neither works nor waits", () => {
    const server = new Server({ idleTimeoutMillis: 1_000 })
    const [idle, talking, waiting, worker] = [server.connect(), server.connect(), server.connect(), server.worker("g")]
    waiting.submit("f")
    server.advance(999)
    talking.raw(16, "")
    assert.strictEqual(idle.closed, "no")
    server.advance(1)
    assert.deepStrictEqual(
      [idle, talking, waiting, worker].map(({ closed }) => closed),
      ["ended", "no", "no", "no"]
    )
    server.advance(999)
    assert.deepStrictEqual(
      [talking, waiting, worker].map(({ closed }) => closed),
      ["ended", "no", "no"]
    )
    assert.deepStrictEqual(Object.fromEntries(server.core.jobs.refusals.byReason), { idleTimeout: 2 })
    // Once it has its answer, it may be silent for as long as anybody else.
    const other = server.worker("f")
    other.grab()
    other.complete("H:1")
    server.advance(2_500)
    assert.deepStrictEqual(
      [waiting, worker].map(({ closed }) => closed),
      ["ended", "no"]
    )
    for (const one of [idle, talking, waiting, worker, other]) one.close()
    assert.strictEqual(server.core.nextDeadlineMillis(server.now), Infinity)
    assert.deepStrictEqual(server.core.violations(), [])
  })

  it("on silence is not fooled by bytes that make no packet", () => {
    const server = new Server({ idleTimeoutMillis: 1_000 })
    const slow = server.connect()
    for (const byte of rawPacket(16, "x".repeat(20)).subarray(0, 30)) {
      slow.bytes(Uint8Array.of(byte))
      server.advance(100)
    }
    assert.notStrictEqual(slow.closed, "no")
  })

  it("on functions lets go of idle ones only", () => {
    const server = new Server({ maxFunctions: 2 })
    const client = server.connect()
    client.command("create function idle")
    client.background("a")
    client.background("b")
    client.background("c")
    client.canDo("c")
    assert.deepStrictEqual(client.read(), [
      "JOB_CREATED H:1",
      "JOB_CREATED H:2",
      "ERROR QUEUE_ERROR|Too many functions",
      "ERROR QUEUE_ERROR|Too many functions"
    ])
  })

  it("on functions of one connection refuses one more, and takes what it has and what it gave up", () => {
    const server = new Server({ maxFunctionsPerConnection: 2 })
    const [worker, other] = [server.connect(), server.connect()]
    worker.canDo("a")
    worker.canDo("b")
    worker.canDo("c")
    worker.canDo("a")
    other.canDo("c")
    assert.deepStrictEqual(worker.read(), ["ERROR QUEUE_ERROR|Too many functions of one connection"])
    assert.deepStrictEqual(other.read(), [])
    assert.strictEqual(server.core.jobs.refusals.byReason.get("maxFunctionsPerConnection"), 1)
    worker.raw(2, "b")
    worker.canDo("c")
    assert.deepStrictEqual(worker.read(), [])
    // A refused name made no function.
    worker.canDo("d")
    assert.strictEqual(server.core.jobs.functions.find("d"), undefined)
  })

  it("on connections turns away one too many", () => {
    const server = new Server({ maxConnections: 1 })
    const first = server.connect()
    assert.throws(() => server.connect())
    assert.strictEqual(server.core.counters.refused, 1)
    first.close()
    server.connect()
  })

  it("on numbers refuses what is no 64-bit number", () => {
    const client = new Server().connect()
    client.send("SUBMIT_JOB_EPOCH", { function: "f", unique: "", epoch: "9223372036854779999", workload: "" })
    client.send("SUBMIT_JOB_EPOCH", { function: "f", unique: "", epoch: "-9".padEnd(80, "9"), workload: "" })
    client.send("CAN_DO_TIMEOUT", { function: "f", timeout: "1".repeat(30) })
    assert.deepStrictEqual(client.read(), [
      "ERROR INVALID_ARGUMENT|Epoch out of range",
      "ERROR INVALID_ARGUMENT|Epoch out of range",
      "ERROR INVALID_ARGUMENT|Timeout out of range"
    ])
    client.canDo("g")
    assert.deepStrictEqual(client.grab(), ["NO_JOB"])
  })
})

describe("a client that does not read", () => {
  const maxOutputBytes = 50_000
  const stalled = () => {
    const server = new Server({ maxOutputBytes })
    const [client, worker] = [server.connect(), server.worker("f")]
    client.submit("f", "u")
    worker.grab()
    client.drop()
    return { server, client, worker }
  }

  it("is cut when more comes than may wait for it, and its worker never notices", () => {
    const { client, server, worker } = stalled()
    const reading = server.connect()
    reading.submit("f", "u")
    reading.drop()
    client.isStalled = true
    for (let count = 1; count <= 6; count++) worker.send("WORK_DATA", { handle: "H:1", data: "x".repeat(9984) })
    assert.strictEqual(client.closed, "destroyed")
    assert.strictEqual(server.core.counters.cut, 1)
    assert.strictEqual(reading.read().length, 6)
    worker.complete("H:1")
    assert.deepStrictEqual([worker.read(), reading.read()], [[], ["WORK_COMPLETE H:1|"]])
    assert.deepStrictEqual(server.core.violations(), [])
  })

  it("gets one packet of any size, if nothing waits", () => {
    const { client, worker } = stalled()
    worker.complete("H:1", "x".repeat(10 * maxOutputBytes))
    assert.strictEqual(client.closed, "no")
    assert.strictEqual(client.readBytes().length, 12 + 4 + 10 * maxOutputBytes)
  })

  it("is forgiven when it has read meanwhile", () => {
    const { client, worker } = stalled()
    client.isStalled = true
    for (let count = 1; count <= 5; count++) worker.send("WORK_DATA", { handle: "H:1", data: "x".repeat(9984) })
    assert.strictEqual(client.unsent, maxOutputBytes)
    client.unsent = 0
    worker.send("WORK_DATA", { handle: "H:1", data: "x" })
    assert.strictEqual(client.closed, "no")
  })

  it("is cut also by its own questions, within one batch", () => {
    const server = new Server({ maxOutputBytes })
    const client = server.connect()
    for (let count = 0; count < 100; count++) client.command(`create function ${"f".repeat(100)}${count}`)
    client.bytes(Codec.fromLatin1("status\n".repeat(10_000)))
    assert.strictEqual(client.closed, "destroyed")
    assert.isBelow(server.core.counters.lines, 200)
  })
})

describe("bytes that are no Gearman", () => {
  it("close the connection that they came on, and no other", () => {
    const server = new Server()
    const bystander = server.connect()
    for (const bytes of [
      rawPacket(0, ""),
      rawPacket(43, ""),
      Uint8Array.of(0, 0x52, 0x45, 0x51, 0x80, 0, 0, 7, 0, 0, 0, 0),
      Uint8Array.of(0, 0x42, 0x41, 0x44),
      Uint8Array.of(0, 0, 0, 0)
    ]) {
      const client = server.connect()
      client.bytes(bytes)
      assert.strictEqual(client.closed, "ended")
      assert.strictEqual(client.readText(), "")
    }
    bystander.raw(16, "still here")
    assert.deepStrictEqual(bystander.read(), ["ECHO_RES still here"])
  })

  it("do not lose the answers to what came before them", () => {
    const client = new Server().connect()
    client.bytes(new Uint8Array([...rawPacket(16, "first"), ...rawPacket(99, ""), ...rawPacket(16, "last")]))
    assert.deepStrictEqual(client.read(), ["ECHO_RES first"])
  })

  it("cost the connection its jobs and abilities at once", () => {
    const server = new Server()
    const worker = server.worker("f")
    server.connect().background("f")
    worker.grab()
    worker.raw(99, "")
    assert.deepStrictEqual(server.worker("f").grab(), ["JOB_ASSIGN_UNIQ H:1|f||x"])
    assert.deepStrictEqual(server.core.violations(), [])
  })

  it("are cut off when the peer does not read what is left for it", () => {
    const server = new Server()
    const client = server.connect()
    client.raw(99, "")
    assert.strictEqual(client.closed, "ended")
    server.advance(60_000)
    assert.strictEqual(client.closed, "destroyed")
    const polite = server.connect()
    polite.raw(99, "")
    polite.close()
    assert.strictEqual(server.core.nextDeadlineMillis(server.now), Infinity)
  })

  it("are answered where they are only unexpected", () => {
    const client = new Server().connect()
    for (const type of [5, 6, 8, 10, 11, 17, 19, 20, 24, 27, 31, 35, 40, 42]) {
      client.raw(type, "a\0b\0c\0d\0e\0f\0g\0h")
      assert.deepStrictEqual(client.read(), ["ERROR INVALID_COMMAND|Command not expected"], `${type}`)
    }
    client.raw(16, "x", "RES")
    client.raw(7, "nothing", "RES")
    assert.deepStrictEqual(client.read(), [
      "ERROR INVALID_MAGIC|Request magic expected",
      "ERROR INVALID_MAGIC|Request magic expected"
    ])
    client.send("OPTION_REQ", { option: "exceptionz" })
    client.send("OPTION_REQ", { option: "x".repeat(100) })
    assert.deepStrictEqual(client.read(), [
      "ERROR UNKNOWN_OPTION|Server does not recognize given option",
      "ERROR UNKNOWN_OPTION|Server does not recognize given option"
    ])
  })

  it("may come as a body where none belongs", () => {
    const client = new Server().connect()
    client.raw(9, "junk")
    client.raw(4, "junk")
    client.raw(3, "junk")
    assert.deepStrictEqual(client.read(), ["NO_JOB"])
  })
})
