/** Submissions: handles, merging, priorities, abandonment, queue limits. */
import { assert, describe, it } from "@effect/vitest"
import { Server } from "./harness.ts"

describe("a submission", () => {
  it("is answered with a handle, counted from 1, whatever its kind", () => {
    const client = new Server().connect()
    client.submit("f")
    client.background("f")
    client.send("SUBMIT_JOB_HIGH", { function: "f", unique: "", workload: "" })
    client.send("SUBMIT_JOB_HIGH_BG", { function: "f", unique: "", workload: "" })
    client.send("SUBMIT_JOB_LOW", { function: "f", unique: "", workload: "" })
    client.send("SUBMIT_JOB_LOW_BG", { function: "f", unique: "", workload: "" })
    client.send("SUBMIT_REDUCE_JOB", { function: "f", unique: "", reducer: "r", aggregator: "", workload: "" })
    client.send("SUBMIT_REDUCE_JOB_BACKGROUND", {
      function: "f",
      unique: "",
      reducer: "",
      aggregator: "",
      workload: ""
    })
    client.send("SUBMIT_JOB_EPOCH", { function: "f", unique: "", epoch: "0", workload: "" })
    assert.deepStrictEqual(
      client.read(),
      [1, 2, 3, 4, 5, 6, 7, 8, 9].map((number) => `JOB_CREATED H:${number}`)
    )
  })

  it("may have an empty function and an empty workload", () => {
    const server = new Server()
    server.connect().background("", "", "")
    assert.deepStrictEqual(server.worker("").grab(), ["JOB_ASSIGN_UNIQ H:1|||"])
  })

  it("keeps every byte of a workload, NULs and line ends included", () => {
    const server = new Server()
    const workload = "\0a\n\0\xff\0"
    server
      .connect()
      .send("SUBMIT_JOB_BG", { function: "f", unique: "u", workload: Uint8Array.of(0, 97, 10, 0, 255, 0) })
    const worker = server.worker("f")
    worker.send("GRAB_JOB", {})
    assert.isTrue(worker.readText().endsWith(`H:1\0f\0${workload}`))
  })

  it("gets a handle of constant width and drawn prefix where none was given", () => {
    const server = new Server({ jobHandlePrefix: undefined })
    const client = server.connect()
    for (let count = 0; count < 10; count++) client.background("f")
    const handles = client.read()
    assert.strictEqual(handles[0], "JOB_CREATED H:drawn:0000000001")
    assert.strictEqual(handles[9], "JOB_CREATED H:drawn:0000000010")
    client.send("GET_STATUS", { handle: "H:drawn:0000000010" })
    client.send("GET_STATUS", { handle: "H:drawn:10" })
    assert.deepStrictEqual(client.read(), ["STATUS_RES H:drawn:0000000010|1|0|0|0", "STATUS_RES H:drawn:10|0|0|0|0"])
  })
})

describe("merging", () => {
  it("joins a live job of the same function and unique, queued or running", () => {
    const server = new Server()
    const [one, other] = [server.connect(), server.connect()]
    one.submit("f", "u", "first")
    other.submit("f", "u", "second")
    const worker = server.worker("f")
    assert.deepStrictEqual(worker.grab(), ["JOB_ASSIGN_UNIQ H:1|f|u|first"])
    one.submit("f", "u", "third")
    assert.deepStrictEqual(worker.grab(), ["NO_JOB"])
    worker.complete("H:1", "r")
    assert.deepStrictEqual(one.read(), [
      "JOB_CREATED H:1",
      "JOB_CREATED H:1",
      "WORK_COMPLETE H:1|r",
      "WORK_COMPLETE H:1|r"
    ])
    assert.deepStrictEqual(other.read(), ["JOB_CREATED H:1", "WORK_COMPLETE H:1|r"])
  })

  it("makes a new job once the old one is over", () => {
    const server = new Server()
    const client = server.connect()
    const worker = server.worker("f")
    for (const [index, outcome] of (["WORK_COMPLETE", "WORK_FAIL", "WORK_EXCEPTION"] as const).entries()) {
      client.submit("f", "u")
      worker.grab()
      if (outcome === "WORK_FAIL") worker.send(outcome, { handle: `H:${index + 1}` })
      else worker.send(outcome, { handle: `H:${index + 1}`, data: "" })
    }
    client.drop().submit("f", "u")
    assert.deepStrictEqual(client.read(), ["JOB_CREATED H:4"])
  })

  it("never joins another function, another unique, or an empty unique", () => {
    const client = new Server().connect()
    client.background("f", "u")
    client.background("g", "u")
    client.background("f", "v")
    client.background("f", "")
    client.background("f", "")
    client.background("g", "u")
    assert.deepStrictEqual(
      client.read(),
      [1, 2, 3, 4, 5, 2].map((number) => `JOB_CREATED H:${number}`)
    )
  })

  it("takes the workload for the unique `-`, unless it is empty", () => {
    const client = new Server().connect()
    client.background("f", "-", "same")
    client.background("f", "-", "other")
    client.background("f", "-", "same")
    client.background("g", "-", "same")
    client.background("f", "same", "same")
    client.background("f", "-", "")
    client.background("f", "-", "")
    assert.deepStrictEqual(
      client.read(),
      [1, 2, 1, 3, 4, 5, 6].map((number) => `JOB_CREATED H:${number}`)
    )
  })

  it("finds its job whatever the workload's length", () => {
    const client = new Server().connect()
    for (let length = 1; length < 20; length++) {
      client.background("f", "-", "x".repeat(length))
      client.background("f", "-", "x".repeat(length))
      assert.deepStrictEqual(client.read(), [`JOB_CREATED H:${length}`, `JOB_CREATED H:${length}`])
    }
  })

  it("raises a queued job to the highest priority asked for, at that queue's tail, and never lowers it", () => {
    const server = new Server()
    const client = server.connect()
    client.send("SUBMIT_JOB_LOW_BG", { function: "f", unique: "low", workload: "" })
    client.send("SUBMIT_JOB_HIGH_BG", { function: "f", unique: "high", workload: "" })
    client.send("SUBMIT_JOB_HIGH_BG", { function: "f", unique: "low", workload: "" })
    client.send("SUBMIT_JOB_LOW_BG", { function: "f", unique: "high", workload: "" })
    client.background("f", "normal")
    assert.strictEqual(client.drop().command("prioritystatus"), "f\t2\t1\t0\t0\n.\n")
    const worker = server.worker("f")
    assert.deepStrictEqual([worker.grab(), worker.grab(), worker.grab()].flat(), [
      "JOB_ASSIGN_UNIQ H:2|f|high|",
      "JOB_ASSIGN_UNIQ H:1|f|low|",
      "JOB_ASSIGN_UNIQ H:3|f|normal|x"
    ])
  })
})

describe("a client that leaves", () => {
  it("takes its queued foreground jobs along, and nobody else's", () => {
    const server = new Server()
    const [leaving, staying] = [server.connect(), server.connect()]
    leaving.submit("f", "alone")
    leaving.submit("f", "shared")
    staying.submit("f", "shared")
    leaving.background("f", "promised")
    leaving.close()
    const worker = server.worker("f")
    assert.deepStrictEqual([worker.grab(), worker.grab(), worker.grab()].flat(), [
      "JOB_ASSIGN_UNIQ H:2|f|shared|x",
      "JOB_ASSIGN_UNIQ H:3|f|promised|x",
      "NO_JOB"
    ])
    assert.strictEqual(server.core.counters.abandoned, 1)
  })

  it("leaves a running job to its worker, whose result is then taken in silence", () => {
    const server = new Server()
    const [client, worker] = [server.connect(), server.worker("f")]
    client.submit("f")
    worker.grab()
    client.close()
    worker.complete("H:1", "r")
    assert.deepStrictEqual(worker.read(), [])
    assert.strictEqual(server.core.inspect().counts.jobs, 0)
  })

  it("lets a later client join what still runs", () => {
    const server = new Server()
    const [first, second, worker] = [server.connect(), server.connect(), server.worker("f")]
    first.submit("f", "u")
    worker.grab()
    first.close()
    second.submit("f", "u")
    worker.complete("H:1", "r")
    assert.deepStrictEqual(second.read(), ["JOB_CREATED H:1", "WORK_COMPLETE H:1|r"])
  })

  it("that also runs its own job wakes nobody for it", () => {
    const server = new Server()
    const [both, sleeper] = [server.worker("f"), server.worker("f")]
    both.submit("f")
    both.grab()
    sleeper.sleep()
    both.close()
    assert.deepStrictEqual(sleeper.read(), [])
    assert.strictEqual(server.core.counters.abandoned, 1)
  })

  it("leaves nothing behind", () => {
    const server = new Server()
    const [client, worker] = [server.connect(), server.worker("f", "g")]
    client.submit("f", "u")
    client.submit("g", "-", "work")
    client.submit("f", "u")
    client.send("SUBMIT_JOB_EPOCH", { function: "f", unique: "later", epoch: "4000000000", workload: "" })
    worker.grab()
    client.command("cancel job H:3")
    client.close()
    worker.close()
    assert.deepStrictEqual(server.core.violations(), [])
    const { functions, idleFunctions, ...counts } = server.core.inspect().counts
    assert.strictEqual(functions, idleFunctions)
    assert.deepStrictEqual(
      Object.values(counts).filter((count) => count !== 0),
      []
    )
  })
})

describe("maxqueue", () => {
  it("refuses a new job, not one that joins", () => {
    const server = new Server()
    const client = server.connect()
    client.background("f", "u")
    client.drop().command("maxqueue f 1")
    client.background("f", "v")
    client.background("f", "u")
    assert.deepStrictEqual(client.read(), ["ERROR QUEUE_ERROR|Job queue is full", "JOB_CREATED H:1"])
  })
})
