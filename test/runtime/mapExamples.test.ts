/** The distributed map's examples, as people run them. */
import { assert, describe, it } from "vitest"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { run } from "../interop/processes.ts"

const folder = join(import.meta.dirname, "../../examples")

const outputs: ReadonlyArray<readonly [name: string, output: string]> = [
  ["word-count", "to: 2\nbe: 2\n"],
  [
    "partial-failures",
    [
      "1",
      "3",
      "item 2 failed: RangeError: -1 is less than 1",
      "item 3 failed: TimeLimit: the function did not finish within 1000 ms",
      "4",
      ""
    ].join("\n")
  ]
]

describe("examples of the distributed map", { timeout: 120_000 }, () => {
  for (const [name, output] of outputs) {
    it(`${name} prints what it says, in less than 40 lines`, async () => {
      const file = join(folder, `${name}.ts`)
      assert.isBelow(readFileSync(file, "utf8").split("\n").length - 1, 40)
      const { code, stderr, stdout } = await run(process.execPath, ["-C", "@effect-gearman/source", file])
      assert.deepStrictEqual([stderr, stdout, code], ["", output, 0])
    })
  }
})
