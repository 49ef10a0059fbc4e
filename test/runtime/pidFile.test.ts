/** Pid files: a live process keeps its own, and what a crash has left is in nobody's way. */
import * as Effect from "effect/Effect"
import * as Fs from "node:fs"
import * as Path from "node:path"
import { assert, describe, it } from "vitest"
import { mustBeFree } from "../../src/runtime/PidFile.ts"
import { run } from "../interop/processes.ts"
import { end, gearman, inDirectory, startServer } from "./support.ts"

describe("pid files", { timeout: 60_000 }, () => {
  it("of a server that runs are refused to others, and are its own to the end", () =>
    inDirectory(async (directory) => {
      const file = Path.join(directory, "pid")
      const server = await startServer([`--pid-file=${file}`])
      const others = [
        ["server", "--port=0", `--pid-file=${file}`],
        ["worker", "f", "--server", server.address, "--pid-file", file],
        ["submit", "f", "x", "--background", "--server", server.address, "--pid-file", file]
      ]
      for (const args of others) {
        const other = await gearman(args)
        assert.deepStrictEqual([other.code, other.stdout], [1, ""], args[0])
        assert.match(other.stderr, /^effect-gearman[^\n]+\n$/)
        assert.include(other.stderr, `process ${server.pid} holds the pid file ${file} and runs; stop it`)
        assert.strictEqual(Fs.readFileSync(file, "utf8"), `${server.pid}\n`)
      }
      await end(server)
      assert.isFalse(Fs.existsSync(file))
    }))

  it.skipIf(process.platform !== "linux")("that a crash has left behind are taken over", () =>
    inDirectory(async (directory) => {
      const file = Path.join(directory, "pid")
      const gone = await run("sh", ["-c", "echo $$"])
      // A process that is gone, an id that was given again since, and what is no id.
      const left = [
        [gone.stdout, Date.now() / 1_000],
        [`${process.pid}\n`, Date.now() / 1_000 - process.uptime() - 3_600],
        ["", 0]
      ] as const
      for (const [content, seconds] of left) {
        Fs.writeFileSync(file, content)
        Fs.utimesSync(file, seconds, seconds)
        const server = await startServer([`--pid-file=${file}`])
        assert.strictEqual(Fs.readFileSync(file, "utf8"), `${server.pid}\n`)
        await end(server)
      }
    })
  )

  it("of an earlier life with the same id are no other's, as of the first process of a container", () =>
    inDirectory(async (directory) => {
      const file = Path.join(directory, "pid")
      Fs.writeFileSync(file, `${process.pid}\n`)
      Effect.runSync(mustBeFree(file))
      Fs.writeFileSync(file, `${process.ppid}\n`)
      assert.include(Effect.runSync(Effect.flip(mustBeFree(file))).message, `process ${process.ppid} holds`)
    }))
})
