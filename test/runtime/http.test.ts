/** What monitors see: metrics, health, readiness, status. */
import { assert, describe, it } from "vitest"
import { freePort } from "../interop/processes.ts"
import { ask, gearman, sleep, startGearman, startServer, until, end } from "./support.ts"

/** The samples of a page, by name and labels. */
const samples = (page: string): ReadonlyMap<string, number> =>
  new Map(
    page
      .split("\n")
      .filter((line) => line !== "" && !line.startsWith("#"))
      .map((line) => {
        const at = line.lastIndexOf(" ")
        const [, name, labels] = /^([^{]+)(?:\{(.*)\})?$/.exec(line.slice(0, at))!
        const sorted = (labels ?? "")
          .split(/,(?=[a-z]+=)/)
          .sort()
          .join(",")
        return [sorted === "" ? name! : `${name}{${sorted}}`, Number(line.slice(at + 1))]
      })
  )

describe("--http-listen", { timeout: 60_000 }, () => {
  it("serves metrics by function and priority, with times", async () => {
    const port = await freePort()
    const server = await startServer([`--http-listen=127.0.0.1:${port}`, "--drain-timeout=5"])
    const get = async (path: string) => {
      const response = await fetch(`http://127.0.0.1:${port}${path}`)
      return { status: response.status, text: await response.text(), type: response.headers.get("content-type") }
    }
    assert.deepStrictEqual([(await get("/healthz")).text, (await get("/readyz")).status], ["ok\n", 200])
    assert.strictEqual((await get("/nothing")).status, 404)

    const at = ["--server", server.address]
    await gearman(["submit", "cat", "x", "--background", "--priority", "high", "--unique", "u", ...at])
    await gearman(["submit", "cat", "x", "--background", "--unique", "u", ...at])
    const waiting = samples((await get("/metrics")).text)
    assert.strictEqual(waiting.get(`gearman_jobs{function="cat",priority="high",state="waiting"}`), 1)
    assert.strictEqual(waiting.get(`gearman_jobs_waiting{function="cat"}`), 1)
    assert.strictEqual(waiting.get(`gearman_jobs_coalesced_total{function="cat"}`), 1)
    assert.strictEqual(waiting.get(`gearman_jobs_submitted_total{function="cat",kind="background",priority="high"}`), 1)

    const worker = startGearman(["worker", "cat", ...at, "--", "sh", "-c", "sleep 0.4; cat"])
    await until(async () => (await ask(server.port, "status"))?.includes("cat\t0\t0\t1\n") === true, "the job was done")
    const page = await get("/metrics")
    assert.strictEqual(page.type, "text/plain; version=0.0.4; charset=utf-8")
    const done = samples(page.text)
    assert.strictEqual(done.get(`gearman_jobs_completed_total{function="cat",outcome="completed"}`), 1)
    assert.strictEqual(done.get(`gearman_workers{function="cat",state="busy"}`), 0)
    assert.strictEqual(done.get(`gearman_jobs_running{function="cat"}`), 0)
    assert.strictEqual(done.get(`gearman_job_run_seconds_count{function="cat",priority="high"}`), 1)
    const run = done.get(`gearman_job_run_seconds_sum{function="cat",priority="high"}`)!
    assert.isTrue(run >= 0.3 && run < 10, `${run}`)
    assert.isAbove(done.get(`gearman_job_wait_seconds_sum{function="cat",priority="high"}`)!, 0)
    assert.strictEqual(done.get("gearman_up"), 1)
    assert.isAbove(done.get("process_resident_memory_bytes")!, 1e7)
    // Each name is declared once, or Prometheus refuses the page.
    const declared = page.text.split("\n").filter((line) => line.startsWith("# TYPE"))
    assert.strictEqual(new Set(declared).size, declared.length)

    const status = JSON.parse((await get("/status")).text)
    assert.deepInclude(status.functions, {
      function: "cat",
      waiting: { high: 0, normal: 0, low: 0 },
      delayed: 0,
      running: 0,
      workers: 1
    })
    await end(worker)

    await gearman(["submit", "never", "x", "--background", ...at])
    process.kill(server.pid, "SIGTERM")
    await sleep(200)
    assert.strictEqual((await get("/readyz")).status, 503)
    assert.strictEqual((await get("/healthz")).status, 200)
    assert.strictEqual((await end(server)).code, 0)
  })

  it("says that its port is taken, and does not start without it", async () => {
    const server = await startServer()
    const result = await gearman(["server", "--port=0", `--http-listen=127.0.0.1:${server.port}`])
    assert.strictEqual(result.code, 1)
    assert.match(result.stderr, /cannot serve HTTP on 127\.0\.0\.1:\d+: [^\n]*EADDRINUSE[^\n]*\n$/)
    await end(server)
  })
})
