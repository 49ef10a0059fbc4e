/**
 * Each program in examples/ runs as its readers would run it, prints what it should, is
 * short, and leaves nothing running.
 */
import { assert, describe, it } from "vitest"
import { execFile } from "node:child_process"
import { globSync, readFileSync } from "node:fs"
import { basename, join } from "node:path"
import { promisify } from "node:util"

const root = join(import.meta.dirname, "../..")

const expected: { readonly [name: string]: ReadonlyArray<string | RegExp> } = {
  "cache-stampede": ["1000 callers, 1 page, 1 rendering"],
  debounce: ["5 saves, 1 job", "reindexing report.md"],
  "graceful-deploy": ["a by version 1", "b by version 1", "c by version 2", "d by version 2"],
  "log-tail": ["access.log: line 1", "access.log: line 2", "access.log: line 3", "end of file"],
  "parallel-queries": [
    '[{"title":"Hey Jude"}]',
    '[{"songs":3}]',
    '[{"title":"Hey Jude"}]',
    '[{"first":1965}]',
    "4 answers, 3 queries"
  ],
  "partial-failures": [
    "1",
    "3",
    "item 2 failed: RangeError: -1 is less than 1",
    "item 3 failed: TimeLimit: the function did not finish within 1000 ms",
    "4"
  ],
  "php-client": ["HELLO FROM PHP"],
  retry: ["<html>example.org</html>", "after 3 attempts"],
  reverse: ["olleh"],
  simulate: [/^200 worlds, \d+ simulated minutes, no failure$/],
  thumbnail: [
    "Progress 64-cat.png",
    "Progress 128-cat.png",
    "Done [ '64-cat.png', '128-cat.png' ]",
    "cat.txt is no image"
  ],
  "word-count": ["to: 2", "be: 2"]
}

describe("examples", () => {
  const files = globSync("examples/*.ts", { cwd: root }).toSorted()

  it("are all expected to print something", () => {
    assert.deepStrictEqual(
      files.map((file) => basename(file, ".ts")),
      Object.keys(expected).toSorted()
    )
  })

  for (const [name, lines] of Object.entries(expected)) {
    it(name, async () => {
      const file = join(root, "examples", `${name}.ts`)
      assert.isBelow(readFileSync(file, "utf8").trimEnd().split(/\n+/).length, 40)
      const { stdout } = await promisify(execFile)(process.execPath, ["-C", "@effect-gearman/source", file], {
        cwd: root,
        timeout: 30_000
      })
      const printed = stdout.trimEnd().split("\n")
      assert.strictEqual(printed.length, lines.length, stdout)
      lines.forEach((line, index) => {
        if (typeof line === "string") assert.strictEqual(printed[index], line)
        else assert.match(printed[index]!, line)
      })
    })
  }
})
