/**
 * `npm test`: everything that must hold. Runs each check even when an earlier one
 * failed, and closes with a line that counts tests, simulated seeds and checks.
 */
import { spawnSync } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { canaries } from "../src/sim/mutants/canaries.ts"

const simulatedSeeds = 10_000

interface Outcome {
  readonly name: string
  readonly passed: number
  readonly failed: number
  readonly seconds: number
}

const root = join(import.meta.dirname, "..")
const scratch = mkdtempSync(join(tmpdir(), "effect-gearman-test-"))

const succeeds = (command: string, ...parameters: ReadonlyArray<string>): boolean =>
  spawnSync(command, parameters, { cwd: root, stdio: ["ignore", "inherit", "inherit"] }).status === 0

/** One check counts as one test, or as many as it says it holds. */
const check = (name: string, run: () => boolean, size = 1): Outcome => {
  process.stdout.write(`\n— ${name}\n`)
  const start = performance.now()
  const passed = run()
  return { name, passed: passed ? size : 0, failed: passed ? 0 : 1, seconds: (performance.now() - start) / 1000 }
}

const vitest = (): Outcome => {
  process.stdout.write("\n— tests\n")
  const start = performance.now()
  const report = join(scratch, "vitest.json")
  const succeeded = succeeds("vitest", "run", "--reporter=default", "--reporter=json", `--outputFile.json=${report}`)
  const seconds = (performance.now() - start) / 1000
  try {
    const counts = JSON.parse(readFileSync(report, "utf8"))
    const passed: number = counts.numPassedTests
    // What is left out for want of a program on a developer's machine, CI has.
    const failed: number = counts.numFailedTests + (process.env["CI"] === undefined ? 0 : counts.numPendingTests)
    // A file that does not load, or an error outside of any test, fails the run and no test.
    return { name: "tests", passed, failed: succeeded ? failed : Math.max(failed, 1), seconds }
  } catch {
    return { name: "tests", passed: 0, failed: 1, seconds }
  }
}

/** Other worlds for each commit, the same ones for everybody who looks at it; without a checkout, always the first. */
const firstSeed = (): string => {
  const head = spawnSync("git", ["rev-parse", "HEAD"], { cwd: root, encoding: "utf8" })
  return head.status === 0 ? String(Number.parseInt(head.stdout.slice(0, 10), 16)) : "1"
}

const from = firstSeed()

const outcomes = [
  check("types", () => succeeds("tsc", "--noEmit")),
  check("lint", () => succeeds("oxlint", "--deny-warnings")),
  check("format", () => succeeds("oxfmt", "--check", ".")),
  check("examples in the documentation", () => succeeds("node", "scripts/check-examples.ts")),
  vitest(),
  check(
    `simulation of ${simulatedSeeds} seeds from ${from} on, each twice`,
    () => succeeds("node", "src/sim/main.ts", "--seeds", String(simulatedSeeds), "--from", from),
    simulatedSeeds
  ),
  check(
    "a planted bug for each family of properties",
    () => succeeds("node", "src/sim/main.ts", "--canaries"),
    canaries.length
  )
]
rmSync(scratch, { recursive: true, force: true })

const total = (field: "passed" | "failed") => outcomes.reduce((sum, outcome) => sum + outcome[field], 0)

process.stdout.write("\n")
for (const { name, failed, seconds } of outcomes) {
  process.stdout.write(`${failed === 0 ? "passed" : "FAILED"}  ${name} (${seconds.toFixed(1)} s)\n`)
}
process.stdout.write(`${total("passed")} passed, ${total("failed")} failed\n`)
process.exitCode = total("failed") === 0 ? 0 : 1
