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

  it("cover the 64 that were thought of first", () => {
    const numbers = mutants.flatMap(({ id }) => (/^\d\d(?=-)/.exec(id) ?? []).map(Number))
    assert.deepStrictEqual(
      [...new Set(numbers)].sort((one, other) => one - other),
      Array.from({ length: 64 }, (_, index) => index + 1)
    )
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

  it("are told in the words of the shrunk run, which the trace shows", { timeout: 120_000 }, async () => {
    const options = { from: 1, seeds: 2000, cpuSeconds: 30, shrinks: true }
    const { message = "", trace } = await hunt(find("07-no-epoch-timer") as Mutant, options)
    const [handle] = /H:\S+(?=,)/.exec(message) ?? []
    assert.isString(handle, message)
    assert.isTrue(
      trace.some((line) => line.endsWith(`JOB_CREATED ${handle}`)),
      `${message} is not in\n${trace.join("\n")}`
    )
  })

  const mine = (entry: unknown, ...args: ReadonlyArray<string>) => {
    const folder = mkdtempSync(join(tmpdir(), "mutant-"))
    const file = join(folder, "mine.json")
    writeFileSync(file, typeof entry === "string" ? entry : JSON.stringify(entry))
    try {
      return spawnSync(process.execPath, ["--max-old-space-size=200", "src/sim/main.ts", "--mutant", file, ...args], {
        cwd: root,
        encoding: "utf8"
      })
    } finally {
      rmSync(folder, { recursive: true })
    }
  }

  it("are taken from a file, and hunted like others", { timeout: 60_000 }, () => {
    const entry = {
      id: "mine",
      file: "src/protocol/server/Jobs.ts",
      find: "job.retries++",
      replace: "job.retries += 0"
    }
    const { status, stdout } = mine(entry, "--json")
    assert.strictEqual(status, 0)
    const told = JSON.parse(stdout) as { [name: string]: unknown }
    assert.includeMembers(Object.keys(told), ["id", "killed", "property", "cpu_seconds", "seeds", "events"])
    assert.deepInclude(told, { id: "mine", killed: true, property: "18 attempts are limited" })
  })

  const file = "src/protocol/server/Jobs.ts"
  const ends: { readonly [how: string]: string } = {
    "ended with exit code 0": "process.exit(0)",
    "ended with exit code 3": "process.exit(3)",
    "ended by SIGABRT": "process.abort()",
    "took all memory there is": "for (const all: Array<unknown> = []; ; ) all.push(new Array(10_000).fill(all.length))"
  }
  for (const [how, statement] of Object.entries(ends)) {
    it(`are noticed, and the reason is told, where the process ${how}`, { timeout: 60_000 }, () => {
      const entry = { file, find: "job.retries++", replace: `job.retries++; ${statement}` }
      const { status, stdout } = mine(entry, "--seeds", "100")
      assert.match(stdout, new RegExp(`noticed by property 0 no program breaks, after .* CPU-s and [1-9]\\d* seeds\n`))
      assert.match(stdout, new RegExp(`property 0: the simulation.* ${how}.* in seed [1-9]`))
      assert.strictEqual(status, 0)
    })
  }

  const wrong: { readonly [why: string]: unknown } = {
    [`its text occurs 0 times in ${file}, and must exactly once`]: { file, find: "no such text", replace: "" },
    "and must exactly once": { file, find: "this", replace: "that" },
    "src/protocol/server/Jobs.ts cannot be loaded with": { file, find: "job.retries++", replace: "job.retries+" },
    "changes nothing": { file, find: "job.retries++", replace: "job.retries++" },
    "there is no file src/nowhere.ts in the project": { file: "src/nowhere.ts", find: "a", replace: "b" },
    "there is no file src/protocol in the project": { file: "src/protocol", find: "a", replace: "b" },
    'needs the texts "file", "find" and "replace"': { file },
    "is no JSON": "{",
    "has no JSON object in it": "null"
  }
  for (const [why, entry] of Object.entries(wrong)) {
    it(`do not apply, and that is wrong usage: ${why}`, { timeout: 30_000 }, () => {
      const { status, stderr, stdout } = mine(entry)
      assert.strictEqual(status, 64)
      assert.include(stderr, why)
      assert.strictEqual(stdout, "")
    })
  }
})
