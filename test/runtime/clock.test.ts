/**
 * The wall clock of a server and of its workers is set, back and forward, while jobs run and
 * wait: nothing hangs, and nothing runs twice. A library that is loaded before libc sets it,
 * for these processes only.
 */
import * as Fs from "node:fs"
import * as Path from "node:path"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import * as Codec from "../../src/protocol/Codec.ts"
import * as Packet from "../../src/protocol/Packet.ts"
import { run } from "../interop/processes.ts"
import { Wire } from "../parity/Wire.ts"
import { Proxy } from "./Proxy.ts"
import { ask, end, gearman, inDirectory, sleep, startGearman, startServer, until } from "./support.ts"

const hour = 3_600
let library = ""
let folder = ""

beforeAll(async () => {
  folder = Fs.mkdtempSync(Path.join(Fs.realpathSync("/tmp"), "gearman-clock-"))
  library = Path.join(folder, "clock.so")
  const source = Path.join(import.meta.dirname, "fixtures/clock.c")
  const { code, stderr } = await run("cc", ["-shared", "-fPIC", "-Wall", "-o", library, source, "-ldl"])
  assert.strictEqual(code, 0, stderr)
})
afterAll(() => Fs.rmSync(folder, { recursive: true, force: true }))

/** A clock of its own, and the environment of processes that go by it. */
const makeClock = (directory: string) => {
  const file = Path.join(directory, "offset")
  const set = (seconds: number) => {
    const bytes = Buffer.alloc(8)
    bytes.writeBigInt64LE(BigInt(seconds))
    // In place: the processes have this very file in their memory.
    Fs.writeFileSync(file, bytes, { flag: Fs.existsSync(file) ? "r+" : "w" })
  }
  set(0)
  return { set, env: { LD_PRELOAD: library, CLOCK_FILE: file } }
}

const submitAt = async (port: number, fn: string, workload: string, inSeconds: number) => {
  const epoch = Math.ceil(Date.now() / 1_000) + inSeconds
  const wire = await Wire.open(port)
  wire.send(
    Codec.encode(Packet.request("SUBMIT_JOB_EPOCH", { function: fn, unique: "", epoch: String(epoch), workload }))
  )
  assert.isAbove((await wire.take(12, 20_000)).length, 0)
  await wire.close()
  return epoch * 1_000
}

describe("a wall clock that is set", { timeout: 150_000 }, () => {
  it("is what the processes of these tests see", () =>
    inDirectory(async (directory) => {
      const clock = makeClock(directory)
      clock.set(-hour)
      const seen = await run(process.execPath, ["-p", "Date.now()"], { env: { ...process.env, ...clock.env } })
      assert.closeTo(Number(seen.stdout), Date.now() - hour * 1_000, 60_000)
    }))

  it("back, delays what is delayed, ends no time limit late, and nothing runs twice", () =>
    inDirectory(async (directory) => {
      const clock = makeClock(directory)
      const server = await startServer([], { env: clock.env })
      const proxy = await Proxy.to(server.port)
      const at = ["--server", `127.0.0.1:${proxy.port}`]
      const done = Path.join(directory, "done")
      Fs.writeFileSync(done, "")
      const lines = () => Fs.readFileSync(done, "utf8").split("\n").slice(0, -1)
      const note = ["sh", "-c", `cat >> ${done}; echo >> ${done}`]
      const workers = [1, 2].map(() => startGearman(["worker", "noted", ...at, "--", ...note], { env: clock.env }))
      const status = async (text: string) => ((await ask(server.port, "status")) ?? "").includes(text)
      await until(() => status("noted\t0\t0\t2\n"), "the workers were there")

      const dueMillis = await submitAt(server.port, "noted", "delayed", 10)
      clock.set(-hour)
      // Due long ago, by any clock: it runs at once.
      await submitAt(server.port, "noted", "past", -3 * hour)
      await until(() => lines().includes("past"), "the job whose time had passed was done")
      for (const word of ["one", "two"]) {
        const { code } = await gearman(["submit", "noted", word, ...at])
        assert.strictEqual(code, 0)
      }
      // Its time limit is one of the monotonic clock: another worker has the job a second later.
      const endless = ["sh", "-c", "while sleep 0.2; do echo on; done"]
      const frozen = startGearman(["worker", "limited", ...at, "--timeout", "1", "--", ...endless], { env: clock.env })
      await until(() => status("limited\t0\t0\t1\n"), "the third worker was there")
      const limited = startGearman(["submit", "limited", "x", ...at])
      await until(() => status("limited\t1\t1\t1\n"), "it had the job")
      process.kill(frozen.pid, "SIGSTOP")
      clock.set(-2 * hour)
      const second = startGearman(["worker", "limited", ...at, "--", "echo", "second"], { env: clock.env })
      await limited.says("second", 60_000)
      await frozen.stop("SIGKILL")

      // Waits between attempts to connect do not go by the wall clock either.
      const { made } = proxy
      proxy.cut()
      await until(() => proxy.made >= made + 3, "the workers came back")
      await sleep(Math.max(0, dueMillis + 1_000 - Date.now()))
      assert.isTrue(await status("noted\t1\t0\t"), "the delayed job is not due yet, by the server's clock")
      clock.set(0)
      await until(() => lines().includes("delayed"), "the delayed job ran once the clock was right")
      await until(() => status("noted\t0\t0\t2\n"), "nothing was left")
      assert.deepStrictEqual(lines().toSorted(), ["delayed", "one", "past", "two"])
      for (const worker of [...workers, second]) assert.strictEqual((await end(worker)).code, 0)
      proxy.close()
      assert.strictEqual((await end(server)).code, 0)
    }))

  it("forward, starts what is due by it at once, once", () =>
    inDirectory(async (directory) => {
      const clock = makeClock(directory)
      const server = await startServer([], { env: clock.env })
      await submitAt(server.port, "later", "x", hour / 2)
      const worker = startGearman(["worker", "later", "--count", "1", "--server", server.address, "--", "cat"], {
        env: clock.env
      })
      await until(async () => (await ask(server.port, "status"))?.includes("later\t1\t0\t1\n") === true, "it waited")
      clock.set(hour)
      assert.strictEqual((await worker.ended).code, 0)
      assert.match((await ask(server.port, "status")) ?? "", /^later\t0\t0\t0$/m)
      await end(server)
    }))
})
