/** The bar for many jobs: on a terminal, and nowhere else. */
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import { assert, describe, it } from "@effect/vitest"
import * as Progress from "../../src/runtime/cli/Progress.ts"
import { run } from "../interop/processes.ts"
import { end, gearman, mainPath, patienceMillis, startGearman, startServer } from "./support.ts"

describe("the line of the bar", () => {
  it("says how many, how fast, how long, and fits the screen", () => {
    assert.strictEqual(
      Progress.lineOf(30, 120, 10_000, 80),
      `[${"#".repeat(10)}${" ".repeat(30)}] 30/120  25 %, 3/s, 30 s left`
    )
    assert.strictEqual(Progress.lineOf(0, 10, 0, 80), `[${" ".repeat(40)}] 0/10   0 %, 0/s`)
    assert.include(Progress.lineOf(1, 1_000, 1_000, 80), "16 min 39 s left")
    for (let columns = 10; columns < 120; columns++) {
      assert.isBelow(Progress.lineOf(999, 1_000_000, 3_600_000, columns).length, columns, `${columns}`)
    }
  })
})

describe("the bar", () => {
  const shown = (total: number, isOn: boolean, isShared: boolean) =>
    Effect.gen(function* () {
      const screen: Array<string> = []
      const write = (text: string) => Effect.sync(() => void screen.push(text.replaceAll("\r\u001b[K", "<")))
      yield* Effect.scoped(
        Effect.gen(function* () {
          const bar = yield* Progress.make(total, { isOn, isShared, columns: 80, write })
          for (let job = 0; job < total; job++) {
            yield* TestClock.adjust("30 millis")
            yield* bar.done(write("result "))
          }
        })
      )
      return screen
    })

  it.effect("is drawn ten times a second at most, at last when all is done, and then is gone", () =>
    Effect.gen(function* () {
      const screen = yield* shown(10, true, false)
      const counts = screen.filter((text) => text.startsWith("<[")).map((text) => /\d+\/10/.exec(text)![0])
      assert.deepStrictEqual(counts, ["0/10", "4/10", "8/10", "10/10"])
      assert.strictEqual(screen.at(-1), "<")
    })
  )

  it.effect("makes room for results on the same screen", () =>
    Effect.gen(function* () {
      const screen = yield* shown(2, true, true)
      const kinds = screen.map((text) => (text.startsWith("<[") ? "bar" : text.trim()))
      assert.deepStrictEqual(kinds, ["bar", "<", "result", "bar", "<", "result", "bar", "<"])
    })
  )

  it.effect("is not there without a terminal, nor for a single job", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* shown(3, false, false), ["result ", "result ", "result "])
      assert.deepStrictEqual(yield* shown(1, true, true), ["result "])
    })
  )
})

describe("submit and map", { timeout: 60_000 }, () => {
  it("show the bar on a terminal and none in a pipe, with the same results", async () => {
    const server = await startServer()
    const worker = startGearman(["worker", "cat", "--server", server.address])
    const mapWorker = startGearman(["map-worker", "--server", server.address])
    const inTerminal = async (command: string) =>
      (
        await run("script", ["--quiet", "--return", "--command", command, "/dev/null"], {
          timeoutMillis: patienceMillis,
          env: { SHELL: "/bin/sh" }
        })
      ).stdout
    const commands = [
      [["submit", "cat", "--lines"], "1\n2\n3\n"],
      [["map", "n => n"], "1\n2\n3\n"]
    ] as const
    for (const [args, input] of commands) {
      const all = [...args, "--server", server.address]
      const piped = await gearman(all, { input })
      assert.deepStrictEqual([piped.stdout, piped.stderr], ["1\n2\n3\n", ""], args[0])
      const quoted = [process.execPath, mainPath, ...all].map((word) => `'${word}'`).join(" ")
      const screen = await inTerminal(`printf '1\\n2\\n3\\n' | ${quoted}`)
      assert.match(screen, /\[#+ *\] 1\/3 {2}33 %/, args[0])
      const results = screen
        .replaceAll("\r\n", "\n")
        .replaceAll("\r\u001b[K", "<")
        .replaceAll(/<(\[[^\]]*\][^<\n]*)?/g, "")
      assert.strictEqual(results, "1\n2\n3\n", args[0])
      // The bar goes to standard error: results in a file are results alone.
      assert.match(await inTerminal(`printf '1\\n2\\n3\\n' | ${quoted} > /dev/null`), /\[#+\] 3\/3 100 %/, args[0])
    }
    await end(worker)
    await end(mapWorker)
    await end(server)
  })
})
