/**
 * The thundering herd, in processes: a thousand callers of one unique become one
 * execution, whose result all of them get.
 */
import { assert, describe, it } from "vitest"
import * as Fs from "node:fs"
import * as Path from "node:path"
import { freePort } from "../interop/processes.ts"
import { ask, end, gearman, inDirectory, startGearman, startServer, until } from "./support.ts"

const callers = [334, 333, 333]

describe("1000 callers of one unique, in three processes", { timeout: 90_000 }, () => {
  it("lead to one execution and 1000 equal results", async () => {
    await inDirectory(async (directory) => {
      const port = await freePort()
      const server = await startServer([`--http-listen=127.0.0.1:${port}`])
      const at = ["--server", server.address]
      const runs = Path.join(directory, "runs")
      const mayEnd = Path.join(directory, "may-end")
      // Free slots are left, so nothing but merging keeps a second execution away.
      const command = `echo run >> ${runs}; until [ -e ${mayEnd} ]; do sleep 0.05; done; echo -n "$$"`
      const worker = startGearman(["worker", "herd", ...at, "--concurrency", "4", "--", "sh", "-c", command])
      await until(async () => (await ask(server.port, "status"))?.includes("herd\t0\t0\t1\n") === true, "it is served")

      const clients = callers.map((count) =>
        gearman(["submit", "herd", ...at, "--lines", "--unique", "page", "--concurrency", String(count)], {
          input: Array.from({ length: count }, (_, index) => `caller ${index}\n`).join(""),
          timeoutMillis: 60_000
        })
      )
      await until(async () => {
        const page = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
        return page.includes(`gearman_jobs_coalesced_total{function="herd"} ${callers.length - 1}\n`)
      }, "every process waits for the result")
      await until(() => Fs.existsSync(runs), "the job began")
      Fs.writeFileSync(mayEnd, "")

      const results = (await Promise.all(clients)).flatMap(({ stdout }) => stdout.trimEnd().split("\n"))
      assert.strictEqual(results.length, 1_000)
      assert.strictEqual(new Set(results).size, 1)
      assert.match(results[0]!, /^\d+$/)
      assert.strictEqual(Fs.readFileSync(runs, "utf8"), "run\n")
      await end(worker)
      await end(server)
    })
  })
})
