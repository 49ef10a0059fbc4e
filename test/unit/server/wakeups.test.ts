/** Nobody is stuck: wake-ups that are not answered go on to the next, and dead workers are asked after. */
import { assert, describe, it } from "@effect/vitest"
import { type Connection, Server } from "./harness.ts"

const sleepers = (server: Server, count: number): ReadonlyArray<Connection> =>
  Array.from({ length: count }, () => {
    const worker = server.worker("f")
    worker.sleep()
    return worker
  })

const wokenOf = (workers: ReadonlyArray<Connection>) => workers.map((worker) => worker.read().length)

describe("a wake-up that is not answered", () => {
  it("goes on to the next sleeper after the limit, and on, and ends there", () => {
    const server = new Server({ workerWakeup: 1, wakeupTimeoutMillis: 1_000 })
    const workers = sleepers(server, 3)
    server.connect().background("f")
    assert.deepStrictEqual(wokenOf(workers), [1, 0, 0])
    server.advance(999)
    assert.deepStrictEqual(wokenOf(workers), [0, 0, 0])
    server.advance(1)
    assert.deepStrictEqual(wokenOf(workers), [0, 1, 0])
    server.advance(1_000)
    assert.deepStrictEqual(wokenOf(workers), [0, 0, 1])
    assert.strictEqual(server.core.counters.passedOn, 2)
    // All have been woken: there is nothing to wait for.
    assert.strictEqual(server.core.nextDeadlineMillis(server.now), Infinity)
    assert.deepStrictEqual(server.core.violations(), [])
  })

  it("is over when the job is taken, or has gone", () => {
    const server = new Server({ workerWakeup: 1 })
    const workers = sleepers(server, 3)
    const client = server.connect()
    client.background("f")
    workers[0]!.drop()
    assert.deepStrictEqual(workers[0]!.grab(), ["JOB_ASSIGN_UNIQ H:1|f||x"])
    client.background("f")
    assert.deepStrictEqual(wokenOf(workers), [0, 1, 0])
    server.connect().command("cancel job H:2")
    server.advance(5_000)
    assert.deepStrictEqual(wokenOf(workers), [0, 0, 0])
    assert.strictEqual(server.core.counters.passedOn, 0)
    assert.strictEqual(server.core.nextDeadlineMillis(server.now), Infinity)
  })

  it("goes on as many at a time as are woken for a job", () => {
    const server = new Server({ workerWakeup: 2, wakeupTimeoutMillis: 300 })
    const workers = sleepers(server, 5)
    server.connect().background("f")
    server.advance(300)
    assert.deepStrictEqual(wokenOf(workers), [1, 1, 1, 1, 0])
  })

  it("needs no clock where all are woken at once", () => {
    const server = new Server()
    const workers = sleepers(server, 3)
    server.connect().background("f")
    assert.deepStrictEqual(wokenOf(workers), [1, 1, 1])
    assert.strictEqual(server.core.nextDeadlineMillis(server.now), Infinity)
  })

  it("of a worker that leaves is passed on at once", () => {
    const server = new Server({ workerWakeup: 1 })
    const workers = sleepers(server, 2)
    server.connect().background("f")
    workers[0]!.close()
    assert.strictEqual(workers[1]!.read().length, 1)
  })

  it("of a worker that leaves is passed on at once, also beside one that has been silent for long", () => {
    const server = new Server({ workerWakeup: 1, wakeupTimeoutMillis: 1_000 })
    const workers = sleepers(server, 4)
    const client = server.connect()
    client.background("f")
    server.advance(1_000)
    assert.deepStrictEqual(wokenOf(workers), [1, 1, 0, 0])
    assert.deepStrictEqual(workers[1]!.grab(), ["JOB_ASSIGN_UNIQ H:1|f||x"])
    client.background("f")
    workers[2]!.close()
    assert.deepStrictEqual(wokenOf(workers), [0, 0, 1, 1])
    assert.deepStrictEqual(server.core.violations(), [])
    // It was only slow: what it says now is heard as ever.
    assert.deepStrictEqual(workers[0]!.grab(), ["JOB_ASSIGN_UNIQ H:2|f||x"])
    assert.deepStrictEqual(server.core.violations(), [])
  })

  it("of a worker that leaves is passed on when the others that were woken are late, and not later", () => {
    const server = new Server({ workerWakeup: 1, wakeupTimeoutMillis: 1_000 })
    const workers = sleepers(server, 4)
    const client = server.connect()
    client.background("f")
    assert.deepStrictEqual(workers[0]!.grab().slice(-1), ["JOB_ASSIGN_UNIQ H:1|f||x"])
    server.advance(600)
    client.background("f")
    server.advance(400)
    assert.deepStrictEqual(wokenOf(workers), [0, 1, 1, 0])
    server.advance(100)
    workers[2]!.close()
    server.advance(499)
    assert.strictEqual(workers[3]!.read().length, 0)
    server.advance(1)
    assert.strictEqual(workers[3]!.read().length, 1)
    assert.deepStrictEqual(server.core.violations(), [])
  })
})

describe("the look for missed wake-ups", () => {
  it("finds none while the server is right", () => {
    const server = new Server({ workerWakeup: 1 })
    sleepers(server, 3)
    assert.deepStrictEqual(server.core.checkWakeups(), [])
    server.connect().background("f")
    assert.deepStrictEqual(server.core.checkWakeups(), [])
    assert.strictEqual(server.core.counters.missedWakeups, 0)
  })

  it("finds a job beside a sleeper that nobody woke, and wakes it", () => {
    const server = new Server()
    const [worker] = sleepers(server, 1)
    const { jobs } = server.core
    // What a bug would do: the job is queued, and nobody is told.
    const fn = jobs.functions.obtain("f")!
    const ability = Array.from(fn.abilities)[0]!
    fn.sleepers.remove(ability)
    server.connect().background("f")
    assert.deepStrictEqual(worker!.read(), [])
    assert.deepStrictEqual(server.core.checkWakeups(), ["f"])
    assert.deepStrictEqual(worker!.read(), ["NOOP"])
    assert.strictEqual(server.core.counters.missedWakeups, 1)
    assert.deepStrictEqual(server.core.checkWakeups(), [])
    assert.deepStrictEqual(worker!.grab(), ["JOB_ASSIGN_UNIQ H:1|f||x"])
  })
})

describe("a worker with a job", () => {
  const probesOf = (options: ConstructorParameters<typeof Server>[0], timeout?: string) => {
    const server = new Server(options)
    const probes: Array<number> = []
    const worker = server.connect({ probe: (millis) => void probes.push(millis) })
    if (timeout === undefined) worker.canDo("f")
    else worker.send("CAN_DO_TIMEOUT", { function: "f", timeout })
    for (let count = 0; count < 2; count++) server.connect().background("f")
    assert.deepStrictEqual(probes, [])
    worker.grab()
    worker.grab()
    return probes
  }

  it("is asked after as often as is wished, from its first job on", () => {
    assert.deepStrictEqual(probesOf({ workerProbeMillis: 5_000 }), [5_000])
    assert.deepStrictEqual(probesOf({ workerProbeMillis: 5_000 }, "2000"), [5_000])
  })

  it("is asked after by its function's timeout, and otherwise as all connections are", () => {
    assert.deepStrictEqual(probesOf({}), [])
    assert.deepStrictEqual(probesOf({}, "1000"), [1_000])
    assert.deepStrictEqual(probesOf({}, "40000"), [10_000])
    assert.deepStrictEqual(probesOf({}, "3600000"), [60_000])
  })
})

describe("show functions", () => {
  it("tells what a function's jobs may be waiting for", () => {
    const server = new Server({ maxJobsPerFunction: 3, accessRules: undefined })
    const client = server.connect()
    const [busy] = sleepers(server, 2)
    for (let count = 0; count < 3; count++) client.background("f")
    server.advance(1_500)
    busy!.grab()
    const epoch = `${server.now.wallMillis / 1000 + 60}`
    client.send("SUBMIT_JOB_EPOCH", { function: "later", unique: "", epoch, workload: "" })
    client.background("f")
    client.drop()
    const rows = client.command("show functions").split("\n").toSorted()
    assert.deepStrictEqual(rows, [
      "",
      ".",
      "f\t2\t0\t1\t2\t1\t0\t1\t1\t0\t0\t1500",
      "later\t0\t1\t0\t0\t0\t0\t0\t0\t0\t0\t0"
    ])
  })

  it("tells of functions that exist in refused wishes only", () => {
    const accessRules = [{ identity: "boss", action: "administrate", functions: ["*"] } as const]
    const server = new Server({ accessRules })
    const stranger = server.connect()
    stranger.background("f")
    stranger.canDo("f")
    stranger.canDo("f")
    const boss = server.connect({ peerNames: ["boss"] })
    assert.strictEqual(boss.command("show functions"), "f\t0\t0\t0\t0\t0\t0\t0\t0\t1\t2\t0\n.\n")
    assert.strictEqual(boss.command("status"), ".\n")
  })
})
