/** Who may do what: every way to act, allowed and refused. */
import { assert, describe, it } from "@effect/vitest"
import { fits, type Rule, rightsOf } from "../../../src/protocol/server/Access.ts"
import type { Entrance } from "../../../src/protocol/server/JobServerCore.ts"
import { type Connection, Server } from "./harness.ts"

const rule = (text: string): Rule => {
  const [, identity, action, functions] = /^(.+?):(submit|serve|administrate)=(.+)$/.exec(text)!
  return { identity: identity!, action: action as Rule["action"], functions: functions!.split(",") }
}

/** A server with rules, and connections by who they are. */
const serverWith = (...rules: ReadonlyArray<string>) => {
  const server = new Server({ accessRules: rules.map(rule) })
  const as = (...peerNames: ReadonlyArray<string>): Connection => server.connect({ peerNames })
  return { server, as }
}

const counts = (server: Server) => Object.fromEntries(server.core.jobs.refusals.byReason)

describe("a pattern", () => {
  it.each([
    ["resize", "resize", true],
    ["resize", "resize2", false],
    ["resize", "Resize", false],
    ["resize*", "resize", true],
    ["resize*", "resize-png", true],
    ["*", "", true],
    ["*", "anything", true],
    ["*-png", "resize-png", true],
    ["*-png", "resize-png-2", false],
    ["a*b*c", "axxbxxbxc", true],
    ["a*b*c", "axxbxxbx", false],
    ["?", "a", true],
    ["?", "", false],
    ["?", "ab", false],
    ["a?c*", "abcd", true],
    ["**", "ab", true],
    ["", "", true],
    ["", "a", false]
  ])("%j on %j is %s", (pattern, name, expected) => {
    assert.strictEqual(fits(pattern, name), expected)
  })

  it("is decided soon, whatever the name is", () => {
    // One that tries every way to divide the name would not come back.
    assert.isFalse(fits(`${"*a".repeat(20)}b`, "a".repeat(512)))
  })
})

describe("rights", () => {
  const rules = ["web:submit=resize,mail*", "w?b:serve=resize", "*:submit=public"].map(rule)

  it("are everything where there are no rules, and nothing where there are none for the name", () => {
    assert.isTrue(rightsOf(undefined, []).may("administrate", "f"))
    assert.isFalse(rightsOf([], ["web"]).mayAny("submit"))
    assert.isFalse(rightsOf(rules, ["other"]).may("submit", "resize"))
  })

  it("are what all rules for all names give together", () => {
    const rights = rightsOf(rules, ["10.0.0.1", "web"])
    for (const [action, key, expected] of [
      ["submit", "resize", true],
      ["submit", "mailing", true],
      ["submit", "public", true],
      ["submit", "other", false],
      ["serve", "resize", true],
      ["serve", "public", false],
      ["administrate", "resize", false]
    ] as const) {
      assert.strictEqual(rights.may(action, key), expected, `${action} ${key}`)
    }
    assert.strictEqual(rights.identity, "10.0.0.1")
  })

  it("compare names byte by byte, as functions are kept", () => {
    const rights = rightsOf([rule("ünï:submit=größe")], ["ünï"])
    assert.isTrue(rights.may("submit", Buffer.from("größe").toString("latin1")))
    assert.strictEqual(rightsOf(undefined, []).identity, "anonymous")
  })
})

describe("every way to submit", () => {
  const submissions = [
    "SUBMIT_JOB",
    "SUBMIT_JOB_BG",
    "SUBMIT_JOB_HIGH",
    "SUBMIT_JOB_HIGH_BG",
    "SUBMIT_JOB_LOW",
    "SUBMIT_JOB_LOW_BG"
  ] as const

  it.each(submissions)("%s is for those who may submit the function", (name) => {
    const { as, server } = serverWith("web:submit=f")
    const [web, other] = [as("web"), as("other")]
    for (const client of [web, other])
      for (const fn of ["f", "g"]) client.send(name, { function: fn, unique: "", workload: "" })
    assert.deepStrictEqual(web.read(), ["JOB_CREATED H:1", "ERROR ACCESS_DENIED|web may not submit g"])
    assert.deepStrictEqual(other.read(), [
      "ERROR ACCESS_DENIED|other may not submit f",
      "ERROR ACCESS_DENIED|other may not submit g"
    ])
    assert.deepStrictEqual(counts(server), { submit: 3 })
    // What was refused has left nothing behind.
    assert.strictEqual(server.core.inspect().counts.functions, 1)
  })

  it("SUBMIT_JOB_EPOCH too, and it may not join a job either", () => {
    const { as } = serverWith("web:submit=f")
    const [web, other] = [as("web"), as("other")]
    for (const client of [web, other]) {
      client.send("SUBMIT_JOB_EPOCH", { function: "f", unique: "u", epoch: "1", workload: "" })
    }
    assert.deepStrictEqual(web.read(), ["JOB_CREATED H:1"])
    assert.deepStrictEqual(other.read(), ["ERROR ACCESS_DENIED|other may not submit f"])
  })

  it.each(["SUBMIT_REDUCE_JOB", "SUBMIT_REDUCE_JOB_BACKGROUND"] as const)(
    "%s needs the reducer's function as well",
    (name) => {
      const { as } = serverWith("web:submit=f,r", "half:submit=f")
      const clients = [as("web"), as("half"), as("none")]
      const answers = clients.map((client) => {
        client.send(name, { function: "f", unique: "", reducer: "r", aggregator: "", workload: "" })
        return client.read()[0]
      })
      assert.deepStrictEqual(answers, [
        "JOB_CREATED H:1",
        "ERROR ACCESS_DENIED|half may not submit r",
        "ERROR ACCESS_DENIED|none may not submit f"
      ])
    }
  )
})

describe("serving", () => {
  it("is for those who may; others get an ERROR for CAN_DO, and no job", () => {
    const { as, server } = serverWith("web:submit=*", "worker:serve=f*")
    as("web").background("f")
    as("web").background("g")
    const [worker, other] = [as("worker"), as("other")]
    for (const one of [worker, other]) {
      one.canDo("f", "g")
      one.send("CAN_DO_TIMEOUT", { function: "g", timeout: "2000" })
    }
    const denied = (name: string, fn: string) => `ERROR ACCESS_DENIED|${name} may not serve ${fn}`
    assert.deepStrictEqual(worker.read(), [denied("worker", "g"), denied("worker", "g")])
    assert.deepStrictEqual(other.read(), [denied("other", "f"), denied("other", "g"), denied("other", "g")])
    assert.deepStrictEqual(worker.grab(), ["JOB_ASSIGN_UNIQ H:1|f||x"])
    for (const grab of [9, 30, 39]) {
      other.raw(grab, "")
      assert.deepStrictEqual(other.read(), ["NO_JOB"])
    }
    assert.deepStrictEqual(worker.grab(), ["NO_JOB"])
    // A report on a job that somebody else has changes nothing, rights or not.
    other.complete("H:1")
    assert.deepStrictEqual(other.read(), ["ERROR JOB_NOT_FOUND|Job given in work result not found"])
    worker.complete("H:1")
    assert.deepStrictEqual(worker.read(), [])
    assert.deepStrictEqual(server.core.violations(), [])
  })
})

describe("asking for a job", () => {
  it("tells those whom it concerns, and to others there is no such job", () => {
    const { as } = serverWith("web:submit=f", "worker:serve=f", "boss:administrate=f", "near:submit=g")
    const web = as("web")
    web.background("f", "u")
    web.drop()
    const ask = (client: Connection) => {
      client.send("GET_STATUS", { handle: "H:1" })
      client.send("GET_STATUS_UNIQUE", { unique: "u" })
      return client.read()
    }
    for (const one of [web, as("worker"), as("boss")]) {
      assert.deepStrictEqual(ask(one), ["STATUS_RES H:1|1|0|0|0", "STATUS_RES_UNIQUE u|1|0|0|0|0"])
    }
    assert.deepStrictEqual(ask(as("near")), ["STATUS_RES H:1|0|0|0|0", "STATUS_RES_UNIQUE u|0|0|0|0|0"])
    const refusal = "ERROR ACCESS_DENIED|This connection may not ask for jobs"
    assert.deepStrictEqual(ask(as("nobody")), [refusal, refusal])
  })
})

describe("text commands", () => {
  const denied = "ERR ACCESS_DENIED This+identity+may+not+administrate+that\r\n"

  it.each([
    "status",
    "prioritystatus",
    "workers",
    "show jobs",
    "show unique jobs",
    "show functions",
    "cancel job H:1",
    "create function g",
    "drop function f",
    "maxqueue f 1",
    "verbose",
    "getpid",
    "shutdown",
    "nonsense"
  ])("%s is for those who may administrate", (line) => {
    const { as, server } = serverWith("web:submit=f", "boss:administrate=*")
    as("web").background("f")
    const before = server.core.inspect().functions
    assert.strictEqual(as("web").command(line), denied)
    assert.deepStrictEqual(counts(server), { administrate: 1 })
    assert.deepStrictEqual(server.core.inspect().functions, before)
    assert.notStrictEqual(as("boss").command(line), denied)
  })

  it("version is for everybody: it only shows that the server answers", () => {
    assert.match(serverWith("boss:administrate=*").as("web").command("version"), /^OK /)
  })

  it("show and change only functions that the connection may administrate", () => {
    const { as, server } = serverWith("all:submit=*", "all:serve=*", "some:administrate=f*", "boss:administrate=*")
    const all = as("all")
    for (const fn of ["f1", "g1"]) all.background(fn, `of-${fn}`)
    all.canDo("f1", "g1")
    const some = as("some")
    assert.strictEqual(some.command("status"), "f1\t1\t0\t1\n.\n")
    assert.strictEqual(some.command("prioritystatus"), "f1\t0\t1\t0\t1\n.\n")
    assert.strictEqual(some.command("workers"), "1 127.0.0.1 - : f1\n.\n")
    assert.strictEqual(some.command("show jobs"), "H:1\t0\t0\t1\n.\n")
    assert.strictEqual(some.command("show unique jobs"), "of-f1\n.\n")
    assert.strictEqual(some.command("cancel job H:2"), denied)
    assert.strictEqual(some.command("maxqueue g1 1"), denied)
    assert.strictEqual(some.command("create function g2"), denied)
    assert.strictEqual(some.command("drop function g1"), denied)
    assert.strictEqual(some.command("maxqueue f1 1"), "OK\r\n")
    assert.strictEqual(some.command("create function f2"), "OK\r\n")
    assert.strictEqual(some.command("drop function f2"), "OK\r\n")
    assert.strictEqual(some.command("cancel job H:1"), "OK\r\n")
    assert.strictEqual(as("boss").command("status"), "g1\t1\t0\t1\nf1\t0\t0\t1\n.\n")
    assert.strictEqual(server.core.inspect().counts.jobs, 1)
  })

  it("shutdown needs all functions, and the option", () => {
    const rules = ["some:administrate=f*", "boss:administrate=*"].map(rule)
    const server = new Server({ accessRules: rules, allowShutdown: true })
    assert.strictEqual(server.connect({ peerNames: ["some"] }).command("shutdown"), denied)
    assert.strictEqual(server.core.shutdown, "no")
    assert.strictEqual(server.connect({ peerNames: ["boss"] }).command("shutdown"), "OK\n")
    assert.strictEqual(server.core.shutdown, "now")
  })

  it("cancel job is off unless it is asked for", () => {
    const server = new Server({ allowCancel: false })
    const client = server.connect()
    client.background("f")
    client.drop()
    const off = "ERR ACCESS_DENIED Cancelling+is+off;+the+server+is+to+be+started+with+--allow-cancel\r\n"
    assert.strictEqual(client.command("cancel job H:1"), off)
    assert.strictEqual(server.core.inspect().counts.jobs, 1)
    assert.deepStrictEqual(counts(server), { cancel: 1 })
  })

  it("are refused one by one on a listener without them, and packets go on", () => {
    const server = new Server()
    const client = server.connect({}, { textProtocol: false })
    const closed = "ERR ACCESS_DENIED The+text+protocol+is+closed+on+this+listener\r\n"
    assert.strictEqual(client.command("status"), closed)
    assert.strictEqual(client.command("version"), closed)
    client.background("f")
    assert.deepStrictEqual(client.read(), ["JOB_CREATED H:1"])
    assert.deepStrictEqual(counts(server), { textProtocol: 2 })
    assert.strictEqual(server.connect().command("status"), "f\t1\t0\t0\n.\n")
  })
})

describe("who a connection is", () => {
  const entrance: Entrance = { identity: "local", textProtocol: true }
  const server = () => new Server({ accessRules: ["local:submit=f", "web:submit=g", "anonymous:submit=h"].map(rule) })
  const may = (client: Connection) =>
    ["f", "g", "h"].filter((fn) => {
      client.background(fn)
      return client.read()[0]!.startsWith("JOB_CREATED")
    })

  it("tells its certificate, then its listener; who has neither is anonymous", () => {
    assert.deepStrictEqual(may(server().connect({ peerNames: ["web"] }, entrance)), ["g"])
    assert.deepStrictEqual(may(server().connect({ peerNames: [] }, entrance)), ["f"])
    assert.deepStrictEqual(may(server().connect()), ["h"])
  })

  it("is told to the log with what was refused", () => {
    const one = server()
    const seen: Array<string> = []
    one.core.jobs.refusals.observer = (session, reason, key) =>
      void seen.push(`${session!.rights.identity} ${reason} ${key}`)
    may(one.connect({ peerNames: ["web"] }))
    assert.deepStrictEqual(seen, ["web submit f", "web submit h"])
  })
})
