/**
 * `npm run demo`: what it prints, and that nothing of it is left, however it ends.
 */
import { assert, describe, it } from "vitest"
import { once } from "node:events"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { membersOf, startGroup } from "./processGroup.ts"
import { until } from "./support.ts"

const root = join(import.meta.dirname, "../..")
const script = join(root, "src/runtime/demo.ts")

/** On a machine that is busy with other things. */
const timeoutMillis = 150_000

/** The demo itself, two job servers, two workers. */
const processCount = 5

describe("demo", { timeout: timeoutMillis }, () => {
  it("is what npm run demo runs", () => {
    const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"))
    assert.strictEqual(scripts.demo, "node src/runtime/demo.ts")
  })

  it("prints ten lines in order with both workers among them, and leaves nothing running", async () => {
    const demo = startGroup(script)
    let output = ""
    let errors = ""
    demo.stdout!.on("data", (text) => (output += text))
    demo.stderr!.on("data", (text) => (errors += text))
    const [code] = await once(demo, "close")
    assert.deepStrictEqual(membersOf(demo.pid), [])
    assert.strictEqual(errors, "")
    assert.strictEqual(code, 0)
    const lines = output.split("\n")
    assert.strictEqual(lines.shift(), "dmap says:")
    assert.strictEqual(lines.pop(), "")
    assert.deepStrictEqual(
      lines.map((line) => line.replace(/(sammy|papag)$/, "")),
      Array.from({ length: 10 }, (_, index) => ` ${index + 1} = `)
    )
    const names = new Set(lines.map((line) => line.split(" = ")[1]))
    assert.deepStrictEqual([...names].sort(), ["papag", "sammy"])
  })

  const ways: ReadonlyArray<readonly [NodeJS.Signals, toAll: boolean]> = [
    ["SIGTERM", false],
    // As a terminal does it on Ctrl-C.
    ["SIGINT", true],
    ["SIGKILL", false]
  ]
  for (const [signal, toAll] of ways) {
    for (const moment of ["while it starts", "while it runs"] as const) {
      it(`leaves nothing running after ${signal} ${moment}`, async () => {
        const demo = startGroup(script)
        const exit = once(demo, "exit")
        await until(
          () => membersOf(demo.pid).length >= (moment === "while it runs" ? processCount : 2),
          "it starts others"
        )
        process.kill(toAll ? -demo.pid : demo.pid, signal)
        const [code, endedBy] = await exit
        assert.notStrictEqual(code, 0)
        if (signal === "SIGKILL") assert.strictEqual(endedBy, "SIGKILL")
        await until(() => membersOf(demo.pid).length === 0, "all of its processes have ended")
      })
    }
  }
})
