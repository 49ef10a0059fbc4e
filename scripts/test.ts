/**
 * `npm test`: everything that must hold. Runs each check even when an earlier one
 * failed, and closes with a line that counts tests, simulated seeds and checks.
 */
import { spawnSync } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, relative } from "node:path"
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

interface Report {
  readonly testResults: ReadonlyArray<{
    readonly name: string
    readonly status: string
    readonly message: string
    readonly assertionResults: ReadonlyArray<{
      readonly fullName: string
      readonly status: string
      readonly failureMessages: ReadonlyArray<string>
    }>
  }>
}

/** What to say of the tests once more at the end, where it is read: those that failed and those left out. */
const remarks: Array<string> = []

const vitest = (): Outcome => {
  process.stdout.write("\n— tests\n")
  const start = performance.now()
  const file = join(scratch, "vitest.json")
  const succeeded = succeeds("vitest", "run", "--reporter=default", "--reporter=json", `--outputFile.json=${file}`)
  const outcome = (passed: number, failed: number) => ({
    name: "tests",
    passed,
    // A file that does not load, or an error outside of any test, fails the run and no test.
    failed: succeeded ? failed : Math.max(failed, 1),
    seconds: (performance.now() - start) / 1000
  })
  try {
    const report: Report = JSON.parse(readFileSync(file, "utf8"))
    const firstLine = (text: string | undefined) => text?.split("\n", 1)[0] ?? ""
    let passed = 0
    let failed = 0
    for (const { name, status, message, assertionResults } of report.testResults) {
      const path = relative(root, name)
      // What is left out for want of a peer on a developer's machine, CI has.
      const needsPeers = process.env["CI"] !== undefined && /^test\/(interop|parity)\//.test(path)
      if (status === "failed" && message !== "") remarks.push(`FAILED  ${path}: ${firstLine(message)}`)
      for (const test of assertionResults) {
        if (test.status === "passed") passed++
        else if (test.status === "failed" || needsPeers) {
          failed++
          remarks.push(`FAILED  ${path}: ${test.fullName}: ${firstLine(test.failureMessages[0] ?? test.status)}`)
        } else remarks.push(`left out  ${path}: ${test.fullName}`)
      }
    }
    return outcome(passed, failed)
  } catch (cause) {
    remarks.push(`FAILED  the tests' report: ${cause}`)
    return outcome(0, 1)
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

process.stdout.write(["", ...remarks, ""].join("\n"))
for (const { name, failed, seconds } of outcomes) {
  process.stdout.write(`${failed === 0 ? "passed" : "FAILED"}  ${name} (${seconds.toFixed(1)} s)\n`)
}
process.stdout.write(`${total("passed")} passed, ${total("failed")} failed\n`)
process.exitCode = total("failed") === 0 ? 0 : 1
