/** Workers: abilities, which job a grab gives, sleeping and waking, losing a worker, time limits. */
import { assert, describe, it } from "@effect/vitest"
import { type Connection, Server } from "./harness.ts"

const grabs = (worker: Connection, count: number): ReadonlyArray<string> =>
  Array.from({ length: count }, () => worker.grab()[0]!.replace("JOB_ASSIGN_UNIQ ", ""))

describe("a grab", () => {
  it("gives what was asked for: bare, with unique, or with reducer", () => {
    const server = new Server()
    const client = server.connect()
    for (const unique of ["1", "2", "3"]) {
      client.send("SUBMIT_REDUCE_JOB", { function: "f", unique, reducer: "r", aggregator: "a", workload: "w" })
    }
    client.background("f", "4", "w")
    const worker = server.worker("f")
    worker.send("GRAB_JOB", {})
    worker.send("GRAB_JOB_UNIQ", {})
    worker.send("GRAB_JOB_ALL", {})
    worker.send("GRAB_JOB_ALL", {})
    worker.send("GRAB_JOB_ALL", {})
    assert.deepStrictEqual(worker.read(), [
      "JOB_ASSIGN H:1|f|w",
      "JOB_ASSIGN_UNIQ H:2|f|2|w",
      "JOB_ASSIGN_ALL H:3|f|3|r|w",
      "JOB_ASSIGN_UNIQ H:4|f|4|w",
      "NO_JOB"
    ])
  })

  it("gives only what the connection can do now", () => {
    const server = new Server()
    const client = server.connect()
    client.background("f")
    client.background("g")
    const worker = server.worker("f", "g")
    worker.send("CANT_DO", { function: "f" })
    assert.deepStrictEqual(grabs(worker, 2), ["H:2|g||x", "NO_JOB"])
    client.background("g")
    worker.send("RESET_ABILITIES", {})
    assert.deepStrictEqual(grabs(worker, 1), ["NO_JOB"])
  })

  it("goes by priority first, over all functions, and lets functions rotate", () => {
    const server = new Server()
    const client = server.connect()
    const submissions = [
      ["SUBMIT_JOB_LOW_BG", "low"],
      ["SUBMIT_JOB_BG", "normal"],
      ["SUBMIT_JOB_HIGH_BG", "high"]
    ] as const
    for (const fn of ["A", "B"]) {
      for (const [name, workload] of submissions) {
        client.send(name, { function: fn, unique: `${workload}1`, workload: "" })
        client.send(name, { function: fn, unique: `${workload}2`, workload: "" })
      }
    }
    const order = grabs(server.worker("A", "B"), 12).map((line) => line.split("|").slice(1, 3).join(" "))
    const rotating = (priority: string) => [1, 2].flatMap((turn) => [`B ${priority}${turn}`, `A ${priority}${turn}`])
    assert.deepStrictEqual(order, [...rotating("high"), ...rotating("normal"), ...rotating("low")])
  })

  it("serves every function in turn, also when a connection can do more of them than have work", () => {
    const server = new Server()
    const names = Array.from({ length: 50 }, (_, index) => `f${index}`)
    const worker = server.worker(...names)
    const client = server.connect()
    for (const round of [1, 2]) for (const fn of ["f3", "f7", "f30"]) client.background(fn, "", `${round}`)
    assert.deepStrictEqual(grabs(worker, 6), [
      "H:3|f30||1",
      "H:2|f7||1",
      "H:1|f3||1",
      "H:6|f30||2",
      "H:5|f7||2",
      "H:4|f3||2"
    ])
  })

  it("by a connection that can do none of what waits leaves everything in its place", () => {
    const server = new Server()
    const client = server.connect()
    client.background("f", "1")
    client.background("f", "2")
    assert.deepStrictEqual(grabs(server.worker("a", "b", "c"), 1), ["NO_JOB"])
    assert.deepStrictEqual(grabs(server.worker("f"), 1), ["H:1|f|1|x"])
  })

  it("makes the job the connection's, also when the connection does not read yet", () => {
    const server = new Server()
    server.connect().background("f")
    const worker = server.worker("f")
    worker.isStalled = true
    worker.send("ECHO_REQ", { data: "x" })
    worker.send("GRAB_JOB", {})
    assert.deepStrictEqual(grabs(server.worker("f"), 1), ["NO_JOB"])
    worker.close()
    assert.deepStrictEqual(grabs(server.worker("f"), 1), ["H:1|f||x"])
  })

  it("may be repeated: a connection holds any number of jobs", () => {
    const server = new Server()
    const client = server.connect()
    for (const unique of ["1", "2", "3"]) client.background("f", unique)
    const worker = server.worker("f")
    grabs(worker, 3)
    assert.strictEqual(client.drop().command("status"), "f\t3\t3\t1\n.\n")
    for (const handle of ["H:2", "H:1", "H:3"]) worker.complete(handle)
    assert.strictEqual(client.command("status"), "f\t0\t0\t1\n.\n")
  })
})

describe("sleeping", () => {
  it("ends with one NOOP when there is work, and none until the next sleep", () => {
    const server = new Server()
    const [client, worker, other] = [server.connect(), server.worker("f"), server.worker("g")]
    assert.deepStrictEqual([worker.sleep(), other.sleep()], [[], []])
    client.background("f")
    client.background("f")
    assert.deepStrictEqual([worker.read(), other.read()], [["NOOP"], []])
    grabs(worker, 1)
    client.background("f")
    assert.deepStrictEqual(worker.read(), [])
  })

  it("is refused with a NOOP while there is work, each time", () => {
    const server = new Server()
    server.connect().background("f")
    const worker = server.worker("f")
    assert.deepStrictEqual([worker.sleep(), worker.sleep()], [["NOOP"], ["NOOP"]])
    grabs(worker, 1)
    assert.deepStrictEqual(worker.sleep(), [])
  })

  it("wakes all that can do it, or as many as the server was told to, one after another", () => {
    const server = new Server({ workerWakeup: 2 })
    const client = server.connect()
    const workers = Array.from({ length: 5 }, () => server.worker("f"))
    for (const worker of workers) worker.sleep()
    const counts = [1, 2, 3, 4].map(() => {
      client.background("f")
      return workers.flatMap((worker) => worker.read()).length
    })
    assert.deepStrictEqual(counts, [2, 2, 1, 0])
  })

  it("leaves nobody asleep over a job when the one that was woken goes away", () => {
    for (const leave of [
      (worker: Connection) => worker.close(),
      (worker: Connection) => worker.send("CANT_DO", { function: "f" }),
      (worker: Connection) => worker.send("RESET_ABILITIES", {})
    ]) {
      const server = new Server({ workerWakeup: 1 })
      const [first, second] = [server.worker("f"), server.worker("f")]
      first.sleep()
      second.sleep()
      server.connect().background("f")
      assert.deepStrictEqual([first.read(), second.read()], [["NOOP"], []])
      leave(first)
      assert.deepStrictEqual(second.read(), ["NOOP"])
      assert.deepStrictEqual(server.core.violations(), [])
    }
  })

  it("leaves nobody asleep over a job when the one that was woken takes another function's", () => {
    const server = new Server({ workerWakeup: 1 })
    const client = server.connect()
    const [both, onlyF] = [server.worker("f", "g"), server.worker("f")]
    both.sleep()
    onlyF.sleep()
    client.background("f")
    assert.deepStrictEqual([both.read(), onlyF.read()], [["NOOP"], []])
    client.send("SUBMIT_JOB_HIGH_BG", { function: "g", unique: "", workload: "x" })
    assert.deepStrictEqual(both.grab(), ["JOB_ASSIGN_UNIQ H:2|g||x"])
    assert.deepStrictEqual(onlyF.read(), ["NOOP"])
  })

  it("ends for a worker that says only then what it can do", () => {
    const server = new Server()
    server.connect().background("f")
    const worker = server.connect()
    worker.sleep()
    worker.canDo("f")
    assert.deepStrictEqual(worker.read(), ["NOOP"])
  })

  it("ends for a worker that answered its last NOOP by sleeping on", () => {
    const server = new Server()
    const [client, eager, sleepy] = [server.connect(), server.worker("f"), server.worker("f")]
    sleepy.sleep()
    client.background("f")
    eager.grab()
    assert.deepStrictEqual([sleepy.read(), sleepy.sleep()], [["NOOP"], []])
    client.background("f")
    assert.deepStrictEqual(sleepy.read(), ["NOOP"])
  })

  it("costs no NOOP for a function that was taken back", () => {
    const server = new Server()
    const worker = server.worker("f", "g")
    worker.sleep()
    worker.send("CANT_DO", { function: "f" })
    server.connect().background("f")
    assert.deepStrictEqual(worker.read(), [])
  })

  it("works for a connection that is client and worker at once, whose handle comes first", () => {
    const server = new Server()
    const both = server.worker("f")
    both.sleep()
    both.background("f")
    assert.deepStrictEqual(both.read(), ["JOB_CREATED H:1", "NOOP"])
  })
})

describe("a worker that is lost", () => {
  it("gives its jobs back to the tail, under their handles, without their progress", () => {
    const server = new Server()
    const client = server.connect()
    client.submit("f", "1")
    client.submit("f", "2")
    const worker = server.worker("f")
    grabs(worker, 1)
    worker.send("WORK_STATUS", { handle: "H:1", numerator: "1", denominator: "2" })
    client.drop()
    const sleeper = server.worker("f")
    worker.close()
    client.send("GET_STATUS", { handle: "H:1" })
    assert.deepStrictEqual(client.read(), ["STATUS_RES H:1|1|0|0|0"])
    assert.deepStrictEqual(grabs(sleeper, 2), ["H:2|f|2|x", "H:1|f|1|x"])
  })

  it("wakes others for them", () => {
    const server = new Server()
    const [client, worker, other] = [server.connect(), server.worker("f"), server.worker("f")]
    client.background("f")
    worker.grab()
    other.sleep()
    worker.close()
    assert.deepStrictEqual(other.read(), ["NOOP"])
  })

  it("gives back several, the newest first, each to the tail of its own priority", () => {
    const server = new Server()
    const client = server.connect()
    for (const unique of ["1", "2"]) {
      client.background("f", unique)
      client.send("SUBMIT_JOB_HIGH_BG", { function: "f", unique: `h${unique}`, workload: "x" })
    }
    const worker = server.worker("f")
    grabs(worker, 4)
    worker.close()
    assert.deepStrictEqual(
      grabs(server.worker("f"), 4).map((line) => line.split("|")[2]),
      ["h2", "h1", "2", "1"]
    )
  })

  it("ends a job whose attempts are spent: N in all, 0 is one, -1 is no limit", () => {
    for (const [jobRetries, attempts] of [
      [0, 1],
      [1, 1],
      [2, 2],
      [5, 5]
    ] as const) {
      const server = new Server({ jobRetries })
      const client = server.connect()
      client.submit("f", "u")
      client.drop()
      for (let attempt = 1; attempt <= attempts; attempt++) {
        assert.deepStrictEqual(client.read(), [])
        const worker = server.worker("f")
        assert.deepStrictEqual(grabs(worker, 1), ["H:1|f|u|x"])
        worker.close()
      }
      assert.deepStrictEqual(client.read(), ["WORK_FAIL H:1"])
      assert.strictEqual(server.core.inspect().counts.jobs, 0)
    }
    const server = new Server()
    server.connect().background("f")
    for (let attempt = 0; attempt < 300; attempt++) {
      const worker = server.worker("f")
      assert.deepStrictEqual(grabs(worker, 1), ["H:1|f||x"])
      worker.close()
    }
  })

  it("does not give back what nobody waits for", () => {
    const server = new Server()
    const [client, worker] = [server.connect(), server.worker("f")]
    client.submit("f")
    worker.grab()
    client.close()
    worker.close()
    assert.strictEqual(server.core.inspect().counts.jobs, 0)
  })
})

describe("CAN_DO_TIMEOUT", () => {
  const timed = (server: Server, timeout: string): Connection => {
    const worker = server.connect()
    worker.send("CAN_DO_TIMEOUT", { function: "f", timeout })
    return worker
  }

  it("requeues a job that takes longer, in milliseconds and at least 1,000, without a word", () => {
    for (const [timeout, limit] of [
      ["2000", 2000],
      ["5", 1000],
      ["1000", 1000],
      ["1500.9", 1500]
    ] as const) {
      const server = new Server()
      const [client, worker] = [server.connect(), timed(server, timeout)]
      client.submit("f")
      worker.grab()
      client.drop()
      server.advance(limit - 1)
      client.send("GET_STATUS", { handle: "H:1" })
      server.advance(1)
      client.send("GET_STATUS", { handle: "H:1" })
      assert.deepStrictEqual(client.read(), ["STATUS_RES H:1|1|1|0|0", "STATUS_RES H:1|1|0|0|0"])
      assert.deepStrictEqual(worker.read(), [])
    }
  })

  it("sets no limit for 0, a negative number, or none", () => {
    for (const timeout of ["0", "-5", "abc", ""]) {
      const server = new Server()
      server.connect().background("f")
      timed(server, timeout).grab()
      assert.strictEqual(server.core.nextDeadlineMillis(server.now), Infinity)
    }
  })

  it("ends in WORK_FAIL when the attempts are spent", () => {
    const server = new Server({ jobRetries: 2 })
    const [client, worker] = [server.connect(), timed(server, "1000")]
    client.submit("f")
    client.drop()
    worker.grab()
    server.advance(1000)
    assert.deepStrictEqual(client.read(), [])
    worker.grab()
    server.advance(1000)
    assert.deepStrictEqual(client.read(), ["WORK_FAIL H:1"])
  })

  it("never touches a later attempt, nor another job of the connection", () => {
    const server = new Server()
    const [client, worker] = [server.connect(), timed(server, "1000")]
    client.background("f", "1")
    worker.grab()
    server.advance(900)
    worker.complete("H:1")
    client.background("f", "2")
    assert.deepStrictEqual(worker.grab(), ["JOB_ASSIGN_UNIQ H:2|f|2|x"])
    server.advance(999)
    assert.strictEqual(client.drop().command("status"), "f\t1\t1\t1\n.\n")
    server.advance(1)
    assert.strictEqual(client.command("status"), "f\t1\t0\t1\n.\n")
  })

  it("wakes others for the job", () => {
    const server = new Server()
    const [client, slow, other] = [server.connect(), timed(server, "1000"), server.worker("f")]
    client.background("f")
    slow.grab()
    other.sleep()
    server.advance(1000)
    assert.deepStrictEqual(other.read(), ["NOOP"])
  })

  it("is taken back by a CAN_DO", () => {
    const server = new Server()
    const worker = timed(server, "1000").canDo("f")
    server.connect().background("f")
    worker.grab()
    assert.strictEqual(server.core.nextDeadlineMillis(server.now), Infinity)
  })
})
