/**
 * A worker's machine that is gone without a word: in a network namespace of its own, whose
 * link is cut while the worker holds a job.
 */
import { spawnSync } from "node:child_process"
import { rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, assert, describe, it } from "vitest"
import { start } from "../interop/processes.ts"
import { ask, end, patienceMillis, startGearman, until } from "./support.ts"

const name = `gm${process.pid}`
const [near, far] = [`${name}n`, `${name}f`]
/** Of the block that RFC 2544 sets apart for tests. */
const block = `198.18.${process.pid % 250}`
const ip = (...words: ReadonlyArray<string>): boolean => spawnSync("ip", words, { stdio: "ignore" }).status === 0

const canSeparate =
  ip("netns", "add", name) &&
  ip("link", "add", near, "type", "veth", "peer", "name", far, "netns", name) &&
  ip("address", "add", `${block}.1/30`, "dev", near) &&
  ip("link", "set", near, "up") &&
  ip("-n", name, "address", "add", `${block}.2/30`, "dev", far) &&
  ip("-n", name, "link", "set", far, "up")
if (!canSeparate)
  process.stderr.write("half-open workers are left out: no network namespaces here (ip netns, as root)\n")

afterAll(() => {
  ip("link", "delete", near)
  ip("netns", "delete", name)
})

/** A program on the other machine. */
const there = (program: string) =>
  start("ip", ["netns", "exec", name, process.execPath, "-e", program], { timeoutMillis: 120_000 })

/** A worker that takes one job and never says more, by the bytes: no library would notice for it. */
const silentWorker = (port: number, fn: string) => {
  const packet = (type: number, body: string) =>
    `\0REQ\0\0\0${String.fromCharCode(type)}\0\0\0${String.fromCharCode(body.length)}${body}`
  const grab = Buffer.from(packet(9, ""), "latin1").toString("hex")
  const bytes = Buffer.from(packet(1, fn) + packet(9, ""), "latin1").toString("hex")
  return there(`
    const socket = require("net").connect(${port}, "${block}.1", () => socket.write(Buffer.from("${bytes}", "hex")))
    let hasJob = false
    socket.on("data", (data) => {
      hasJob ||= data[7] === 11
      if (hasJob) console.log("has the job")
      else setTimeout(() => socket.write(Buffer.from("${grab}", "hex")), 100)
    })
  `)
}

/** A client that submits one job and waits. */
const silentClient = (port: number, fn: string) =>
  there(`
    const socket = require("net").connect(${port}, "${block}.1", () => {
      const body = Buffer.from("${fn}\\0\\0x")
      socket.write(Buffer.concat([Buffer.from([0, 82, 69, 81, 0, 0, 0, 7, 0, 0, 0, body.length]), body]))
    })
    socket.on("data", () => console.log("has submitted"))
  `)

describe.runIf(canSeparate)("a worker whose machine is gone", { timeout: 120_000 }, () => {
  it("loses its job to another within --worker-probe and ten seconds", async () => {
    const server = startGearman(["server", `--listen=${block}.1`, "--port=0", "--worker-probe=2"])
    await server.says(/listening on \S+:\d+\n/, patienceMillis)
    const port = Number(/listening on \S+:(\d+)/.exec(server.output())![1])
    const at = ["--server", `${block}.1:${port}`]
    // A named pipe: the live worker's job is done when somebody has written to it.
    const gate = join(tmpdir(), name)
    spawnSync("mkfifo", [gate])
    const gone = silentWorker(port, "lost")
    await until(
      async () => (await ask(port, "status", `${block}.1`))?.includes("lost\t0\t0\t1\n") === true,
      "the worker was there"
    )
    const submitted = startGearman(["submit", "lost", "x", ...at])
    await gone.says("has the job", patienceMillis)
    // One on this machine is as silent, for as long, and alive: it keeps its job. A client that goes harms nobody.
    const client = silentClient(port, "kept")
    await client.says("has submitted", patienceMillis)
    const alive = startGearman(["worker", "kept", ...at, "--", "sh", "-c", `cat ${gate}; echo done`])
    const status = async () => (await ask(port, "status", `${block}.1`)) ?? ""
    await until(async () => (await status()).includes("kept\t1\t1\t1\n"), "the live worker had its job")
    ip("-n", name, "link", "set", far, "down")
    const cutAt = Date.now()
    const second = startGearman(["worker", "lost", ...at, "--", "echo", "second"])
    await submitted.says("second", 60_000)
    const seconds = (Date.now() - cutAt) / 1_000
    assert.strictEqual((await submitted.ended).code, 0)
    // Not by chance at once, and a probe each second after the silence, ten in all.
    assert.isAbove(seconds, 5)
    assert.isBelow(seconds, 30)
    assert.include(await status(), "kept\t1\t1\t1\n", "the live worker kept its job")
    writeFileSync(gate, "")
    await until(async () => (await status()).includes("kept\t0\t0\t1\n"), "its job was done, for a client that is gone")
    await end(alive)
    await client.stop("SIGKILL")
    rmSync(gate, { force: true })
    await end(second)
    await gone.stop("SIGKILL")
    await end(server)
  })
})
