/** Long lists go out in pieces, between which others are served. */
import { assert, describe, it } from "@effect/vitest"
import * as Codec from "../../../src/protocol/Codec.ts"
import * as Packet from "../../../src/protocol/Packet.ts"
import { type Connection, Server } from "./harness.ts"

/** The most that is done at a time; a step of work may make no line, so pieces may be shorter. */
const linesAtOnce = 500
const count = 10_000

const withJobs = (options: ConstructorParameters<typeof Server>[0] = {}) => {
  const server = new Server({ maxJobs: count + 10, ...options })
  const client = server.connect()
  for (let index = 0; index < count; index++) client.background(`f${index % 700}`, `u${index}`)
  return { server, client: client.drop() }
}

const linesOf = (text: string) => text.split("\n").slice(0, -1)

/** Goes on until the list has ended; what came each time. */
const readPieces = (server: Server, peer: Connection): ReadonlyArray<string> => {
  const pieces = [peer.readText()]
  while (!pieces.at(-1)!.endsWith(".\n")) {
    assert.isBelow(pieces.length, 1_000, "it never ends")
    server.core.timeReached(server.now)
    server.core.flush()
    pieces.push(peer.readText())
  }
  return pieces
}

const ask = (peer: Connection, line: string) => peer.bytes(Codec.fromLatin1(`${line}\n`))

describe("a long list", () => {
  it.each([
    ["show jobs", count],
    ["show unique jobs", count],
    ["status", 700],
    ["prioritystatus", 700],
    ["show functions", 700],
    ["workers", 702]
  ])("of %s is sent in pieces, and each line once", (command, length) => {
    const { server } = withJobs()
    if (command === "workers") for (let index = 0; index < 700; index++) server.connect()
    const peer = server.connect()
    ask(peer, command)
    const pieces = readPieces(server, peer)
    assert.isAbove(pieces.length, length / linesAtOnce)
    for (const piece of pieces) assert.isAtMost(linesOf(piece).length, linesAtOnce)
    const lines = linesOf(pieces.join(""))
    assert.strictEqual(lines.length, length + 1)
    assert.strictEqual(new Set(lines).size, length + 1)
  })

  it("stands in the order of a short one", () => {
    const { server } = withJobs()
    let peer = server.connect()
    ask(peer, "show unique jobs")
    const all = linesOf(readPieces(server, peer).join(""))
    // The same function of the names, of a few of them that were made in the same order.
    const short = new Server()
    const few = all.filter((line) => /^u[12]?\d?\d$/.test(line))
    assert.isAbove(few.length, 200)
    const client = short.connect()
    peer = short.connect()
    for (const unique of few.toSorted((one, other) => Number(one.slice(1)) - Number(other.slice(1))))
      client.background("f", unique)
    ask(peer, "show unique jobs")
    assert.deepStrictEqual(linesOf(readPieces(short, peer).join("")).slice(0, -1), few)
  })

  it("comes before what was asked after it, and before the results that come meanwhile", () => {
    const { server } = withJobs()
    const peer = server.connect()
    const worker = server.worker("g")
    peer.submit("g")
    peer.drop()
    ask(peer, "show jobs")
    ask(peer, "version")
    ask(peer, "show unique jobs")
    ask(peer, "getpid")
    const [assigned] = worker.grab()
    worker.complete(/ (\S+?)\|/.exec(assigned!)![1]!, "done")
    let all = ""
    for (let round = 0; round < 200; round++) {
      all += peer.readText()
      server.core.timeReached(server.now)
      server.core.flush()
    }
    const ends = [".\n", "OK ", ".\n", "OK ", "\0RES"].map((_, index, texts) => {
      let at = -1
      for (const each of texts.slice(0, index + 1)) at = all.indexOf(each, at + 1)
      return at
    })
    assert.isAbove(ends[0]!, 100_000)
    assert.isAbove(ends[2]!, ends[1]! + 50_000)
    assert.deepStrictEqual(
      ends.toSorted((one, other) => one - other),
      ends
    )
    assert.strictEqual(server.core.nextDeadlineMillis(server.now), Infinity)
  })

  it("keeps nobody waiting: others are answered between its pieces", () => {
    const { server } = withJobs()
    const peer = server.connect()
    ask(peer, "show jobs")
    const other = server.connect()
    assert.match(other.command("version"), /^OK /)
    assert.strictEqual(server.core.nextDeadlineMillis(server.now), 0)
    assert.isAbove(readPieces(server, peer).length, 10)
  })

  it("leaves out what is gone by the time of its line, and what came later", () => {
    const { client, server } = withJobs()
    const peer = server.connect()
    ask(peer, "show unique jobs")
    client.background("late", "late")
    const worker = server.worker("f0")
    const handle = / (\S+?)\|/.exec(worker.grab()[0]!)![1]!
    worker.complete(handle)
    const lines = linesOf(readPieces(server, peer).join(""))
    assert.notInclude(lines, "late")
    assert.notInclude(lines, "u0")
    assert.strictEqual(lines.length, count)
  })

  it("waits for one who does not read, without keeping others waiting", () => {
    const { server } = withJobs({ pauseAboveBytes: 1_000 })
    const slow = server.connect()
    const quick = server.connect()
    slow.isStalled = true
    ask(slow, "show jobs")
    ask(quick, "show jobs")
    readPieces(server, quick)
    for (let round = 0; round < 50; round++) {
      server.advance(100)
      assert.isBelow(slow.unsent, 40_000)
    }
    slow.isStalled = false
    slow.unsent = 0
    server.advance(10)
    assert.isAbove(linesOf(readPieces(server, slow).join("")).length, count)
  })

  it("is forgotten with its connection, and the limit of what waits holds behind it", () => {
    const { server } = withJobs({ maxOutputBytes: 50_000, pauseAboveBytes: 1_000 })
    const gone = server.connect()
    ask(gone, "show jobs")
    gone.close()
    assert.strictEqual(server.core.nextDeadlineMillis(server.now), 0)
    server.advance(0)
    assert.strictEqual(server.core.nextDeadlineMillis(server.now), Infinity)
    const deaf = server.connect()
    deaf.isStalled = true
    ask(deaf, "show jobs")
    for (let round = 0; round < 100; round++) deaf.send("ECHO_REQ", { data: "x".repeat(1_000) })
    assert.strictEqual(deaf.closed, "destroyed")
    server.advance(0)
    assert.strictEqual(server.core.nextDeadlineMillis(server.now), Infinity)
  })

  it("is cut off when too many wait behind it", () => {
    const { server } = withJobs()
    const peer = server.connect()
    peer.bytes(Codec.fromLatin1("show jobs\n".repeat(2_000)))
    assert.strictEqual(peer.closed, "destroyed")
  })

  it("is sent whole to one who is told to end meanwhile", () => {
    const { server } = withJobs()
    const peer = server.connect()
    ask(peer, "show jobs")
    peer.bytes(
      Codec.encode(Packet.request("ECHO_REQ", { data: "x" })),
      Codec.fromLatin1("one word more than allowed a b c d\n")
    )
    assert.strictEqual(peer.closed, "no")
    let text = ""
    for (let round = 0; round < 100 && peer.closed === "no"; round++) {
      text += peer.readText()
      server.advance(1)
    }
    assert.strictEqual(peer.closed, "ended")
    assert.isAbove(linesOf(text + peer.readText()).length, count)
  })
})
