/** Who was refused what stands in the log, once a minute each, also as the server is started by default. */
import * as Net from "node:net"
import { assert, describe, it } from "vitest"
import type { Session } from "../../src/protocol/server/Session.ts"
import type { Log } from "../../src/runtime/server/Log.ts"
import type { Fields } from "../../src/runtime/server/LogFormat.ts"
import { formatter } from "../../src/runtime/server/LogFormat.ts"
import * as RefusalLog from "../../src/runtime/server/RefusalLog.ts"
import { end, gearman, startServer } from "./support.ts"

const recording = () => {
  const lines: Array<readonly [string, Fields]> = []
  const log = { write: (level: string, _: string, fields: Fields) => void lines.push([level, fields]) }
  let millis = 0
  const refused = RefusalLog.make(log as unknown as Log, () => millis)
  return { lines, refused, pass: (more: number) => void (millis += more) }
}
const session = (identity: string, peerHost: string) =>
  ({ rights: { identity }, peer: { peerHost } }) as unknown as Session

describe("the log of refusals", () => {
  it("tells each identity, address, reason and function once a minute, the others at DEBUG", () => {
    const { lines, pass, refused } = recording()
    const somebody = session("anonymous", "10.0.0.1")
    refused(somebody, "submit", "a")
    for (let count = 0; count < 3; count++) refused(somebody, "submit", "a")
    refused(somebody, "submit", "b")
    refused(session("anonymous", "10.0.0.2"), "submit", "a")
    refused(undefined, "maxConnections", undefined)
    pass(60_000)
    refused(somebody, "submit", "a")
    const known = { reason: "submit", identity: "anonymous", address: "10.0.0.1" }
    assert.deepStrictEqual(
      lines.filter(([level]) => level === "WARNING").map(([, fields]) => fields),
      [
        { ...known, function: "a" },
        { ...known, function: "b" },
        { ...known, function: "a", address: "10.0.0.2" },
        { reason: "maxConnections" },
        // What was not told in the minute, and then the new one.
        { ...known, function: "a", untold: 3 },
        { ...known, function: "a" }
      ]
    )
    assert.strictEqual(lines.filter(([level]) => level === "DEBUG").length, 3)
  })

  it("stays short under a flood of names, says how many there were, and tells of others meanwhile", () => {
    const { lines, pass, refused } = recording()
    const flooder = session("anonymous", "10.0.0.1")
    for (let count = 0; count < 5_000; count++) refused(flooder, "submit", `f${count}`)
    const warnings = () => lines.filter(([level]) => level === "WARNING").map(([, fields]) => fields)
    assert.strictEqual(warnings().length, 21)
    refused(session("anonymous", "10.0.0.2"), "submit", "mine")
    assert.strictEqual(warnings().at(-1)!["function"], "mine")
    pass(60_000)
    refused(flooder, "submit", "new")
    assert.deepStrictEqual(warnings().slice(22), [
      { reason: "submit", identity: "anonymous", address: "10.0.0.1", untold: 4_979 },
      { reason: "submit", function: "new", identity: "anonymous", address: "10.0.0.1" }
    ])
  })

  it("stays short under a flood from very many addresses", () => {
    const { lines, refused } = recording()
    for (let count = 0; count < 5_000; count++)
      refused(session("anonymous", `10.0.${count >> 8}.${count & 255}`), "submit", "f")
    assert.strictEqual(lines.filter(([level]) => level === "WARNING").length, 1_001)
  })

  it("has no bytes from the network but visible ones", () => {
    const evil = "a\u001b[31m\u009bb"
    for (const format of ["gearmand", "pretty", "logfmt"] as const) {
      const line = formatter(format, false)("WARNING", evil, { function: evil }, new Date())
      assert.notMatch(line.slice(0, -1), /\p{Cc}/u, format)
    }
  })
})

describe("a server as it is by default", { timeout: 60_000 }, () => {
  it("logs who was refused, and what was no Gearman", async () => {
    const server = await startServer(["--allow=ops:administrate=*"])
    for (const name of ["first", "second"]) {
      assert.strictEqual((await gearman(["submit", name, "x", "--server", server.address])).code, 1)
    }
    const about = (name: string) => `refused reason=submit function=${name} identity=anonymous address=127.0.0.1\n`
    await server.says(about("first"))
    await server.says(about("second"))
    const stranger = Net.connect(server.port, "127.0.0.1", () => stranger.write("\0REQ\0\0\0\x63\0\0\0\0", "latin1"))
    await new Promise((resolve) => stranger.once("close", resolve))
    await server.says("refused reason=malformed identity=anonymous address=127.0.0.1\n")
    await end(server)
  })

  it("warns when everybody may do everything, and not when somebody is asked who he is", async () => {
    const open = await startServer(["--listen=0.0.0.0"])
    await open.says("whoever reaches this server may submit, serve and administrate")
    await end(open)
    const closed = await startServer(["--listen=0.0.0.0", "--allow=ops:administrate=*"])
    assert.notInclude((await end(closed)).stderr, "whoever reaches")
  })

  it.each(["--handshake-timeout=0", "--wakeup-timeout=0"])("takes %s as no limit", async (flag) => {
    const server = await startServer([flag])
    const silent = Net.connect(server.port, "127.0.0.1")
    let isClosed = false
    silent.once("close", () => (isClosed = true))
    for (let count = 0; count < 3; count++) {
      assert.match((await gearman(["admin", "version", "--server", server.address])).stdout, /^OK /)
    }
    assert.isFalse(isClosed)
    silent.destroy()
    await end(server)
  })
})
