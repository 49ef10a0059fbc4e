/** Planted bugs: each still fits the code, and the simulator finds one of each family. */
import { assert, describe, it } from "@effect/vitest"
import { spawnSync } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { find, hunt } from "../../src/sim/cli/hunts.ts"
import { mutants } from "../../src/sim/mutants/index.ts"
import { type Mutant, plant } from "../../src/sim/mutants/Mutant.ts"
import { propertyNames } from "../../src/sim/properties/names.ts"

const root = new URL("../../", import.meta.url).pathname
const sourceOf = (file: string) => readFileSync(join(root, file), "utf8")

const entry: Mutant = { id: "one", title: "", file: "f.ts", find: "a > b", replace: "a < b", property: 0, needs: [] }

describe("planted bugs", () => {
  for (const mutant of mutants) {
    it(`${mutant.id} applies`, () => {
      assert.isString(plant(mutant, sourceOf(mutant.file)))
      assert.property(propertyNames, String(mutant.property))
    })
  }

  it("have names of their own", () => {
    assert.strictEqual(new Set(mutants.map(({ id }) => id)).size, mutants.length)
  })

  it("do not apply where their text is missing, is there twice, or stays as it is", () => {
    assert.strictEqual(plant(entry, "if (a > b) $&"), "if (a < b) $&")
    for (const source of ["", "a > b, a > b"]) {
      assert.match((plant(entry, source) as Error).message, /^one does not apply: its text occurs [02] times in f.ts/)
    }
    assert.instanceOf(plant({ ...entry, replace: entry.find }, "a > b"), Error)
  })

  // One of each family, and of those that die early.
  const representatives = [
    "01-sleep-unchecked",
    "08-epoch-early",
    "24-first-function-wins",
    "27-unindexed-on-assign",
    "33-attached-twice",
    "41-header-cut",
    "60-one-leaves-all-leave",
    "no-pre-sleep"
  ]
  for (const id of representatives) {
    it(`${id} is noticed`, { timeout: 180_000 }, async () => {
      const options = { from: 1, seeds: 2000, cpuSeconds: 30, shrinks: false }
      const result = await hunt(find(id) as Mutant, options)
      assert.isUndefined(result.problem)
      assert.isTrue(result.killed, `not noticed in ${result.seeds} seeds`)
    })
  }

  it("are taken from a file, and what does not apply is told", { timeout: 60_000 }, () => {
    const folder = mkdtempSync(join(tmpdir(), "mutant-"))
    const file = join(folder, "mine.json")
    writeFileSync(file, JSON.stringify({ file: "src/protocol/server/Jobs.ts", find: "no such text", replace: "" }))
    const { status, stdout } = spawnSync(process.execPath, ["src/sim/main.ts", "--mutant", file], {
      cwd: root,
      encoding: "utf8"
    })
    rmSync(folder, { recursive: true })
    assert.strictEqual(status, 1)
    assert.include(stdout, "its text occurs 0 times in src/protocol/server/Jobs.ts, and must exactly once")
  })
})
