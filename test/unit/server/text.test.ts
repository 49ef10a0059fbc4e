/** The text protocol, byte by byte; the expectations were read off gearmand. */
import { assert, describe, it } from "@effect/vitest"
import * as Admin from "../../../src/protocol/Admin.ts"
import * as Codec from "../../../src/protocol/Codec.ts"
import { rawPacket, Server } from "./harness.ts"

const unknown = (word: string) => `ERR UNKNOWN_COMMAND Unknown+server+command${word}\r\n`
const incomplete = (word: string) =>
  `ERR INVALID_ARGUMENTS An+incomplete+set+of+arguments+was+sent+to+this+command+${word}\r\n`

describe("a text command", () => {
  it("is answered as gearmand answers it, also where it makes no sense", () => {
    const answers: ReadonlyArray<readonly [string, string]> = [
      ["", unknown("")],
      ["\r", unknown("")],
      [" status", unknown("")],
      ["status ", ".\n"],
      ["STATUS ignored args", ".\n"],
      ["status\t", unknown("status\t")],
      ["stat\0us", unknown("stat")],
      ["show", unknown("show")],
      ["show ", "ERR UNKNOWN_SHOW_ARGUMENTS\r\n"],
      ["show foo", "ERR UNKNOWN_SHOW_ARGUMENTS\r\n"],
      ["show unique", "ERR UNKNOWN_SHOW_ARGUMENTS\r\n"],
      ["show jobs x", "ERR UNKNOWN_SHOW_ARGUMENTS\r\n"],
      ["show unique jobs x", "ERR UNKNOWN_SHOW_ARGUMENTS\r\n"],
      ["SHOW JOBS", ".\n"],
      ["show unique jobs", ".\n"],
      ["cancel", unknown("cancel")],
      ["cancel job", unknown("cancel")],
      ["cancel job ", "ERR UNKNOWN_JOB\r\n"],
      ["cancel job x", "ERR UNKNOWN_JOB\r\n"],
      ["cancel foo bar", "ERR UNKNOWN_ERROR\r\n"],
      ["cancel job x y", "ERR UNKNOWN_ERROR\r\n"],
      ["cancel job x ", "ERR UNKNOWN_ERROR\r\n"],
      ["create", incomplete("create")],
      ["create function", incomplete("create")],
      ["create foo bar", incomplete("create")],
      ["create function one two", incomplete("create")],
      ["create function one ", incomplete("create")],
      [`create function ${"f".repeat(512)}`, "OK\r\n"],
      [`create function ${"f".repeat(513)}`, "ERR a function name may have at most 512 bytes\r\n"],
      [`drop function ${"f".repeat(512)}`, "OK\r\n"],
      ["drop", incomplete("drop")],
      ["drop function", incomplete("drop")],
      ["drop foo bar", incomplete("drop")],
      ["drop function one two", incomplete("drop")],
      ["drop function one ", incomplete("drop")],
      ["drop function nope", "ERR function not found\r\n"],
      ["maxqueue", incomplete("maxqueue")],
      ["maxqueue ", "OK\r\n"],
      ["maxqueue nofunc", "OK\r\n"],
      ["maxqueue nofunc 1 2 3", "OK\r\n"],
      ["version  a  b  c", "OK 1.2.3\n"],
      ["verbose x", "OK NOTICE\n"],
      ["getpid 1", "OK 77\n"],
      ["shutdown", unknown("shutdown")],
      ["shutdown graceful", unknown("shutdown")],
      ["a b c d  ", unknown("a")]
    ]
    const client = new Server({ version: "1.2.3", verbose: "NOTICE", processId: 77 }).connect()
    for (const [line, answer] of answers) assert.strictEqual(client.command(line), answer, JSON.stringify(line))
    assert.strictEqual(client.closed, "no")
  })

  it("with a sixth word closes the connection without an answer", () => {
    for (const line of ["a b c d e f", "status a b c d ", "maxqueue f 1 2 3 4"]) {
      const client = new Server().connect()
      assert.strictEqual(client.command(line), "")
      assert.strictEqual(client.closed, "ended")
    }
  })

  it("may come between packets, even in one batch", () => {
    const client = new Server({ version: "v" }).connect()
    client.bytes(new Uint8Array([...rawPacket(16, "1"), ...Codec.fromLatin1("version\r\n"), ...rawPacket(16, "2")]))
    assert.strictEqual(client.readText(), "\0RES\0\0\0\x11\0\0\0\x011OK v\n\0RES\0\0\0\x11\0\0\0\x012")
  })
})

describe("status and prioritystatus", () => {
  it("count queued, scheduled and running jobs", () => {
    const server = new Server()
    const [client, worker] = [server.connect(), server.worker("f")]
    for (let count = 0; count < 3; count++) client.background("f")
    client.send("SUBMIT_JOB_EPOCH", { function: "f", unique: "", epoch: "4000000000", workload: "" })
    client.send("SUBMIT_JOB_HIGH", { function: "f", unique: "", workload: "" })
    client.send("SUBMIT_JOB_LOW", { function: "f", unique: "", workload: "" })
    worker.grab()
    assert.strictEqual(client.drop().command("status"), "f\t6\t1\t1\n.\n")
    assert.strictEqual(client.command("prioritystatus"), "f\t0\t4\t1\t1\n.\n")
  })

  it("go by gearmand's hash of the name", () => {
    const client = new Server().connect()
    for (const name of ["f", "q", "a2", "Zed", "p", "a1", "zed"]) client.command(`create function ${name}`)
    const names = client
      .command("status")
      .split("\n")
      .map((row) => row.split("\t")[0])
    assert.deepStrictEqual(names, ["a1", "p", "f", "a2", "q", "Zed", "zed", ".", ""])
  })

  it("are in that order also when functions came and went since they were asked for", () => {
    const [asked, unasked] = [new Server().connect(), new Server().connect()]
    const both = (line: string) => [asked.command(line), unasked.command(line)]
    for (const name of ["f", "q", "a2", "Zed", "p"]) both(`create function ${name}`)
    assert.include(asked.command("status"), "q\t0\t0\t0\n")
    both("drop function q")
    assert.notInclude(asked.command("status"), "q\t")
    both("create function a1")
    asked.background("a1")
    unasked.background("a1")
    const [one, other] = both("status")
    assert.strictEqual(one, other)
    assert.include(one, "a1\t1\t0\t0\n")
  })

  it("go on listing a function that nobody needs, until its place is needed", () => {
    const server = new Server({ maxFunctions: 3 })
    const client = server.connect()
    const worker = server.worker("a", "b", "c")
    worker.send("RESET_ABILITIES", {})
    worker.canDo("a")
    client.background("d")
    assert.deepStrictEqual(
      Admin.parseStatus(client.drop().command("status").split("\n").slice(0, -2))
        .map((row) => row.function)
        .toSorted(),
      ["a", "c", "d"]
    )
  })
})

describe("workers", () => {
  it("lists every connection, the newest first, and its functions, the newest first", () => {
    const server = new Server()
    const client = server.connect()
    const worker = server.worker("f", "g")
    worker.send("SET_CLIENT_ID", { clientId: "worker-1" })
    server.connect().send("SET_CLIENT_ID", { clientId: "a b\0c" })
    server.connect().send("SET_CLIENT_ID", { clientId: "" })
    assert.strictEqual(
      client.command("workers"),
      "4 127.0.0.1  :\n3 127.0.0.1 a b :\n2 127.0.0.1 worker-1 : g f\n1 127.0.0.1 - :\n.\n"
    )
  })
})

describe("show jobs and show unique jobs", () => {
  it("list every job in gearmand's order", () => {
    const server = new Server({ jobHandlePrefix: "H:t", jobRetries: 5 })
    const client = server.connect()
    for (const unique of ["u1", "u2", "u3", "u4", "u5", "u6"]) client.background("f", unique)
    client.submit("g", "v1")
    client.submit("g", "v2")
    for (let count = 0; count < 2; count++) {
      const worker = server.worker("g")
      worker.grab()
      worker.close()
    }
    assert.strictEqual(
      client.drop().command("show jobs"),
      "H:t:2\t0\t0\t1\nH:t:3\t0\t0\t1\nH:t:8\t1\t0\t0\nH:t:1\t0\t0\t1\nH:t:4\t0\t0\t1\nH:t:7\t1\t0\t0\nH:t:6\t0\t0\t1\nH:t:5\t0\t0\t1\n.\n"
    )
    assert.strictEqual(client.command("show unique jobs"), "u6\nu1\nu2\nv2\nu4\nu5\nv1\nu3\n.\n")
  })

  it("mark a running job that nobody waits for", () => {
    const server = new Server()
    const [client, worker] = [server.connect(), server.worker("f")]
    client.submit("f", "-")
    worker.grab()
    client.close()
    assert.strictEqual(server.connect().command("show jobs"), "H:1\t0\t1\t0\n.\n")
    assert.strictEqual(server.connect().command("show unique jobs"), "-\n.\n")
  })
})

describe("create function and drop function", () => {
  it("add and remove a row; the name's case does not matter for the latter", () => {
    const client = new Server().connect()
    assert.strictEqual(client.command("create function Hello\r"), "OK\r\n")
    assert.strictEqual(client.command("status"), "Hello\t0\t0\t0\n.\n")
    assert.strictEqual(client.command("drop function hELLO"), "OK\r\n")
    assert.strictEqual(client.command("status"), ".\n")
  })

  it("are refused for a function that somebody uses", () => {
    const server = new Server()
    const client = server.connect()
    server.worker("f")
    client.background("g")
    const refusal = "ERR there are still connected workers or executing clients\r\n"
    assert.strictEqual(client.drop().command("drop function f"), refusal)
    assert.strictEqual(client.command("drop function g"), refusal)
  })

  it("forget a limit set by maxqueue", () => {
    const client = new Server().connect()
    client.command("create function f")
    client.command("maxqueue f 1")
    client.command("drop function f")
    client.background("f")
    client.background("f")
    assert.deepStrictEqual(client.read(), ["JOB_CREATED H:1", "JOB_CREATED H:2"])
  })
})

describe("maxqueue", () => {
  it("limits by priority: one number for all, of two the third is no limit", () => {
    const client = new Server().connect()
    client.background("f")
    const accepts = (limits: string) => {
      client.drop().command(`maxqueue f ${limits}`)
      for (const name of ["SUBMIT_JOB_HIGH_BG", "SUBMIT_JOB_BG", "SUBMIT_JOB_LOW_BG"] as const) {
        client.send(name, { function: "f", unique: "", workload: "" })
      }
      return client
        .read()
        .map((reply) => (reply.startsWith("JOB_CREATED") ? "+" : "-"))
        .join("")
    }
    assert.strictEqual(accepts("1"), "---")
    assert.strictEqual(accepts("0"), "+++")
    assert.strictEqual(accepts("5 1"), "+-+")
    assert.strictEqual(accepts("1 9"), "-++")
    assert.strictEqual(accepts("-1"), "+++")
    assert.strictEqual(accepts("9 9 1"), "---")
    assert.strictEqual(accepts("9 9"), "--+")
    assert.strictEqual(accepts("x"), "+++")
    assert.strictEqual(accepts(""), "+++")
  })
})

describe("cancel job", () => {
  it("drops a queued job and tells its clients", () => {
    const server = new Server()
    const client = server.connect()
    client.submit("f", "u")
    assert.strictEqual(server.connect().command("cancel job H:1"), "OK\r\n")
    assert.deepStrictEqual(client.read(), ["JOB_CREATED H:1", "WORK_FAIL H:1"])
    assert.strictEqual(client.command("status"), "f\t0\t0\t0\n.\n")
    assert.strictEqual(server.connect().command("cancel job H:1"), "ERR UNKNOWN_JOB\r\n")
  })

  it("drops a scheduled job, deadline and all", () => {
    const server = new Server()
    const client = server.connect()
    client.send("SUBMIT_JOB_EPOCH", { function: "f", unique: "", epoch: "4000000000", workload: "" })
    client.drop().command("cancel job H:1")
    assert.strictEqual(server.core.nextDeadlineMillis(server.now), Infinity)
    assert.deepStrictEqual(server.core.violations(), [])
  })
})

describe("shutdown", () => {
  it("is carried out only where it is allowed", () => {
    const refusing = new Server()
    refusing.connect().command("shutdown")
    assert.strictEqual(refusing.core.shutdown, "no")
    assert.strictEqual(refusing.core.jobs.refusals.byReason.get("shutdown"), 1)
    const server = new Server({ allowShutdown: true })
    assert.strictEqual(
      server.connect().command("shutdown foo"),
      "ERR unknown_args Unknown+arguments+to+server+command\r\n"
    )
    assert.strictEqual(server.core.shutdown, "no")
    assert.strictEqual(server.connect().command("shutdown graceful"), "OK\n")
    assert.strictEqual(server.core.shutdown, "graceful")
    assert.strictEqual(server.connect().command("SHUTDOWN"), "OK\n")
    assert.strictEqual(server.core.shutdown, "now")
  })
})

describe("names that are no text", () => {
  it("forge no line of any list", () => {
    const server = new Server()
    const client = server.connect()
    client.submit("evil\n.\nOK", "u\nH:x\t0")
    client.submit("other\t9\t8\t7")
    const worker = server.connect()
    worker.send("CAN_DO", { function: "f\r\nx : g" })
    worker.send("SET_CLIENT_ID", { clientId: "me\n.\n" })
    const list = (command: string) => server.connect().command(command).split("\n")
    assert.sameMembers(list("status"), [
      "evil\\n.\\nOK\t1\t0\t0",
      "other\\t9\\t8\\t7\t1\t0\t0",
      "f\\x0d\\nx : g\t0\t0\t1",
      ".",
      ""
    ])
    // Whoever reads a row by its columns finds as many as there should be.
    const columns = (command: string) => new Set(list(command).map((line) => line.split("\t").length))
    assert.sameMembers([...columns("prioritystatus")], [5, 1])
    assert.sameMembers([...columns("show functions")], [12, 1])
    assert.include(list("show unique jobs"), "u\\nH:x\\t0")
    assert.include(list("workers").join("\n"), " me\\n.\\n : f\\x0d\\nx : g\n")
  })
})

describe("Admin", () => {
  it("reads what it writes, blanks in names included", () => {
    const lines = <Row>(rows: ReadonlyArray<Row>, format: (row: Row) => string) =>
      rows.map(format).join("").split("\n").slice(0, -1)
    const status = [{ function: "a b", total: 3, running: 1, workers: 2 }]
    assert.deepStrictEqual(Admin.parseStatus(lines(status, Admin.formatStatusRow)), status)
    const priorities = [{ function: "a b", high: 3, normal: 1, low: 2, workers: 0 }]
    assert.deepStrictEqual(Admin.parsePriorityStatus(lines(priorities, Admin.formatPriorityStatusRow)), priorities)
    const workers = [
      { connection: -1, host: "::1", clientId: "a b", functions: ["f", "g"] },
      { connection: 12, host: "unix", clientId: "", functions: [] }
    ]
    assert.deepStrictEqual(Admin.parseWorkers(lines(workers, Admin.formatWorkerRow)), workers)
    assert.deepStrictEqual(Admin.parseWorkers(["no such line"]), [])
    const jobs = [{ handle: "H:1", retries: 2, isIgnored: true, isBackground: false }]
    assert.deepStrictEqual(Admin.parseJobs(lines(jobs, Admin.formatJobRow)), jobs)
  })

  it("reads the tabs in names of servers that do not escape them", () => {
    const row = { function: "prefix\tf", total: 3, running: 1, workers: 2 }
    assert.deepStrictEqual(Admin.parseStatus(["prefix\tf\t3\t1\t2"]), [row])
    const priorities = { function: "prefix\tf", high: 3, normal: 1, low: 2, workers: 0 }
    assert.deepStrictEqual(Admin.parsePriorityStatus(["prefix\tf\t3\t1\t2\t0"]), [priorities])
  })

  it("leaves out lines that are no rows, as another server's are that a name has torn", () => {
    const torn = ["evil", ".", "OK\t1\t0\t0", "x\ty\t0\t0", ""]
    assert.deepStrictEqual(Admin.parseStatus(torn), [{ function: "OK", total: 1, running: 0, workers: 0 }])
    assert.deepStrictEqual(Admin.parsePriorityStatus(torn), [])
    assert.deepStrictEqual(Admin.parseFunctions(torn), [])
    assert.deepStrictEqual(Admin.parseJobs(["evil", "H:1\tx\t0\t1"]), [])
  })
})
