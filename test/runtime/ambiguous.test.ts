/** What the commands do, and say, when the connection is lost while a job is at a server. */
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { freePort } from "../interop/processes.ts"
import { Proxy } from "./Proxy.ts"
import { ask, end, gearman, patienceMillis, startGearman, startServer, until } from "./support.ts"

let server: Awaited<ReturnType<typeof startServer>>
let proxy: Proxy
beforeAll(async () => {
  server = await startServer()
  proxy = await Proxy.to(server.port)
}, patienceMillis)
afterAll(async () => {
  proxy.close()
  await end(server)
})

/** Submits a job that nobody does, and cuts the connection when the server has it. */
const submitAndCut = async (...flags: ReadonlyArray<string>) => {
  const name = `f${flags.join("")}`
  const result = gearman(["submit", name, "workload", "--port", String(proxy.port), ...flags])
  await until(async () => (await ask(server.port, "status"))!.includes(`${name}\t1`), "the job is at the server")
  proxy.cut()
  return { name, result }
}

describe("a job whose connection is lost", { timeout: 60_000 }, () => {
  it("is submitted again with --idempotent", async () => {
    const { name, result } = await submitAndCut("--idempotent")
    const worker = startGearman(["worker", name, "--server", server.address])
    const { code, stderr, stdout } = await result
    assert.deepStrictEqual([code, stdout, stderr], [0, "workload", ""])
    await end(worker)
  })

  it.each([[[]], [["--json"]]])("is told of, with what a user of the shell can do (%j)", async (flags) => {
    const { name, result } = await submitAndCut(...flags)
    const { code, stderr, stdout } = await result
    assert.strictEqual(code, 1)
    const told: string =
      flags.length === 0 ? stderr.trimEnd() : JSON.parse(stdout.trimEnd().split("\n").at(-1)!).message
    const unknown = `was lost while a job of "${name}" was there; whether it runs is unknown. `
    assert.strictEqual(
      told.slice(told.indexOf("was lost")),
      `${unknown}With --idempotent it is submitted again, where it may run twice`
    )
  })

  it("names the flags that name servers where none can be reached", async () => {
    const result = await gearman(["submit", "f", "x", "--port", String(await freePort())])
    assert.strictEqual(result.code, 3)
    assert.match(result.stderr, /Servers are given by --server or GEARMAN_SERVERS\n$/)
  })
})
