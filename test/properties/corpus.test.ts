/** What the simulator once found: each file holds by now, and fails with its bug planted back. */
import { assert, describe, it } from "@effect/vitest"
import { readdirSync, readFileSync, statSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { find, replayPlanted } from "../../src/sim/cli/hunts.ts"
import { fromFile, replay } from "../../src/sim/explore/Finding.ts"
import type { Mutant } from "../../src/sim/mutants/Mutant.ts"

const corpus = new URL("../../src/sim/corpus/", import.meta.url)
const files = readdirSync(corpus).filter((name) => name.endsWith(".json"))
const pathOf = (name: string) => fileURLToPath(new URL(name, corpus))
const findingOf = (name: string) => fromFile(readFileSync(pathOf(name), "utf8"))

describe("the corpus", () => {
  for (const name of files) {
    const finding = findingOf(name)

    it(`${name} is small and holds`, { timeout: 20_000 }, () => {
      assert.isAtMost(statSync(pathOf(name)).size, 2048)
      const { failure } = replay(finding)
      assert.isUndefined(failure, `${finding.text}, again: ${failure?.message}`)
    })

    if (finding.bug === undefined) continue
    it(`${name} fails with ${finding.bug}`, { timeout: 60_000 }, async () => {
      const { message = "", problem } = await replayPlanted(find(finding.bug!) as Mutant, pathOf(name))
      assert.isUndefined(problem)
      assert.isTrue(message.startsWith(`${finding.failure}:`), `it ends in: ${message}`)
    })
  }

  it("is not empty", () => {
    assert.isAbove(files.length, 3)
  })
})
