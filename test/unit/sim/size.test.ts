/** How lines of code are counted. */
import { assert, describe, it } from "@effect/vitest"
import { codeLines } from "../../../src/sim/cli/size.ts"

describe("lines of code", () => {
  it("are those that are no comments, and not empty", () => {
    const source = ["/**", " * What it is for.", " */", "", "// why", "const one = 1 // so", "  /* or */", "}", ""]
    assert.strictEqual(codeLines(source.join("\n")), 2)
  })
})
