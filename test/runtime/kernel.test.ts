/** Settings that the kernel carries out, as the kernel shows them: by ss(8), which is in iproute2. */
import * as Net from "node:net"
import { assert, describe, it } from "vitest"
import { run } from "../interop/processes.ts"
import { ask, end, startServer } from "./support.ts"

const ss = async (...words: ReadonlyArray<string>): Promise<string> => {
  const { code, stderr, stdout } = await run("ss", words)
  assert.strictEqual(code, 0, stderr)
  return stdout
}

describe("what the kernel is told", { timeout: 60_000 }, () => {
  it.each([
    [[], 4_096],
    [["--backlog=7"], 7]
  ] as const)("of connections to hold until they are accepted: %s", async (flags, backlog) => {
    const server = await startServer(flags)
    // State, Recv-Q, and Send-Q, which is the backlog of one that listens.
    const [, , held] = (await ss("-Htln", `sport = :${server.port}`)).trim().split(/ +/)
    const most = Number((await run("cat", ["/proc/sys/net/core/somaxconn"])).stdout)
    assert.strictEqual(Number(held), Math.min(backlog, most))
    await end(server)
  })

  it.each([
    [[], 10, 60],
    [["--keepalive-idle=600"], 300, 600],
    [["--keepalive-idle=9"], 0, 9]
  ] as const)("of silence after which a peer is asked: %s", async (flags, least, most) => {
    const server = await startServer(flags)
    const peer = Net.connect(server.port, "127.0.0.1")
    peer.write("version\n")
    await new Promise((resolve) => peer.once("data", resolve))
    const shown = await ss("-Htno", "state", "established", `sport = :${server.port}`)
    // Below ten seconds ss writes them as `8.500ms`.
    const [, minutes, seconds = "0"] =
      /timer:\(keepalive,(?:(\d+)min)?(?:([\d.]+)(?:sec|ms))?/.exec(shown) ?? assert.fail(shown)
    const left = Number(minutes ?? 0) * 60 + Number(seconds)
    assert.isAbove(left, least)
    assert.isAtMost(left, most)
    assert.match((await ask(server.port, "version")) ?? "", /^OK /)
    peer.destroy()
    await end(server)
  })
})
