/** What `npm run sim` does that no other test asks it for: a day, and pairs under another Node. */
import { spawnSync } from "node:child_process"
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "vitest"

const root = join(import.meta.dirname, "../..")
const node = join(root, "node_modules/.bin/node")

const sim = (...args: ReadonlyArray<string>) =>
  spawnSync(node, ["src/sim/main.ts", ...args], { cwd: root, encoding: "utf8" })

describe("npm run sim", { timeout: 150_000 }, () => {
  it("tells as JSON what a day came to, or so many hours of it", () => {
    const { status, stdout } = sim("--day", "--hours", "1", "--json")
    assert.strictEqual(status, 0)
    const told = JSON.parse(stdout)
    assert.sameMembers(Object.keys(told), [
      ...["simulatedHours", "cpuSeconds", "timeCompression", "callers", "succeeded", "packets", "steps"]
    ])
    assert.closeTo(told.simulatedHours, 1, 0.5)
    assert.isAbove(told.timeCompression, 1)
    assert.isAbove(told.callers, 0)
    assert.isAtMost(told.succeeded, told.callers)
    assert.isAbove(told.packets, told.callers)
    assert.isAbove(told.steps, told.packets)
  })

  it("compares pairs of runs with the Node that it is given, in which one of each pair is run", () => {
    const folder = mkdtempSync(join(tmpdir(), "pairs-"))
    try {
      const [other, used] = [join(folder, "node"), join(folder, "used")]
      writeFileSync(other, `#!/bin/sh\necho "$*" >> '${used}'\nexec '${process.execPath}' "$@"\n`)
      chmodSync(other, 0o755)
      const { status, stdout } = sim("--pairs", "4", "--from", "11", "--node", other, "--json")
      assert.deepStrictEqual([status, JSON.parse(stdout)], [0, { compared: 4, from: 11, difference: null }])
      const calls = readFileSync(used, "utf8").trim().split("\n")
      assert.strictEqual(calls.length, 2)
      assert.match(calls[0]!, /hashes\.ts \{"from":12,"to":15/)
      assert.strictEqual(calls[1], "--version")
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  it("says that a program is no Node", () => {
    const { status, stderr, stdout } = sim("--pairs", "2", "--node", "/bin/false")
    assert.deepStrictEqual([status, stdout], [64, ""])
    assert.match(stderr, /^the other process broke before it had run a seed: is \/bin\/false Node 22\.19 or newer\?\n$/)
  })
})
