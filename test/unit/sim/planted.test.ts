/** Who simulates the simulator: each mistake planted in it is noticed by the tests of this folder. */
import { assert, describe, it } from "@effect/vitest"
import { execFile } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { mistakes } from "./planted/mistakes.ts"

const root = new URL("../../../", import.meta.url).pathname

interface Report {
  readonly testResults: ReadonlyArray<{
    readonly message: string
    readonly assertionResults: ReadonlyArray<{ readonly title: string; readonly status: string }>
  }>
}

/** The names of the tests that fail, and of those that pass. */
const run = (
  file: string,
  planted: string,
  signal: AbortSignal
): Promise<{ failed: Array<string>; passed: Array<string> }> =>
  new Promise((resolve, reject) => {
    const folder = mkdtempSync(join(tmpdir(), "planted-"))
    const report = join(folder, "report.json")
    execFile(
      join(root, "node_modules/.bin/node"),
      [
        "node_modules/vitest/vitest.mjs",
        "run",
        "--config=test/unit/sim/planted/vitest.config.ts",
        "--reporter=json",
        `--outputFile=${report}`,
        `test/unit/sim/${file}`
      ],
      { cwd: root, env: { ...process.env, PLANTED: planted }, maxBuffer: 1 << 26, signal },
      (_, stdout, stderr) => {
        try {
          const { testResults } = JSON.parse(readFileSync(report, "utf8")) as Report
          const tests = testResults.flatMap(({ assertionResults }) => assertionResults)
          const named = (status: string) => tests.filter((test) => test.status === status).map(({ title }) => title)
          if (tests.length === 0) throw new Error(testResults.map(({ message }) => message).join())
          resolve({ failed: named("failed"), passed: named("passed") })
        } catch (error) {
          reject(new Error(`${stdout}${stderr}`, { cause: error }))
        } finally {
          rmSync(folder, { recursive: true })
        }
      }
    )
  })

describe("mistakes planted in the simulator", () => {
  for (const { id, noticedBy, test, title } of mistakes) {
    it(`${id}: ${title}`, { timeout: 120_000 }, async ({ signal }) => {
      const { failed, passed } = await run(noticedBy, id, signal)
      assert.isTrue(
        failed.some((name) => name.includes(test)),
        `failed: ${failed.join("; ")}`
      )
      // Something that breaks everything shows nothing.
      assert.isAbove(passed.length, 0)
    })
  }

  it("are the only reason for that", { timeout: 120_000 }, async ({ signal }) => {
    const { failed } = await run("kernel.test.ts", "", signal)
    assert.deepStrictEqual(failed, [])
  })
})
