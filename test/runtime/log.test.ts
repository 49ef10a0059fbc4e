/** The job server's log: formats, levels, fields about jobs, rotation, and a full disk. */
import { spawn } from "node:child_process"
import * as Fs from "node:fs"
import * as Path from "node:path"
import { assert, describe, it } from "vitest"
import * as Log from "../../src/runtime/server/Log.ts"
import { formatter } from "../../src/runtime/server/LogFormat.ts"
import type { LogFormat } from "../../src/runtime/server/LogLevel.ts"
import {
  ask,
  end,
  gearman,
  inDirectory,
  mainPath,
  patienceMillis,
  startGearman,
  startServer,
  until
} from "./support.ts"

const noon = new Date(2024, 1, 3, 12, 5, 6, 7)
const fields = { job: "H:1", function: "re size", attempts: 2 }
const line = (format: LogFormat, isColoured = false, message = "job ended") =>
  formatter(format, isColoured)("NOTICE", message, fields, noon)

describe("a line of the log", () => {
  it("is gearmand's, with the fields behind it", () => {
    assert.strictEqual(
      line("gearmand"),
      ` NOTICE 2024-02-03 12:05:06.007000 [  main ] job ended job=H:1 function="re size" attempts=2\n`
    )
  })

  it("is for people, coloured on a terminal only", () => {
    assert.strictEqual(line("pretty"), `12:05:06.007 NOTICE   job ended job=H:1 function="re size" attempts=2\n`)
    assert.include(line("pretty", true), "\u001b[32mNOTICE  \u001b[0m job ended")
  })

  it("is JSON, or logfmt, and stays one line whatever it says", () => {
    const time = noon.toISOString()
    assert.deepStrictEqual(JSON.parse(line("json")), { time, level: "NOTICE", message: "job ended", ...fields })
    assert.strictEqual(
      line("logfmt"),
      `time=${time} level=NOTICE message="job ended" job=H:1 function="re size" attempts=2\n`
    )
    for (const format of ["gearmand", "pretty", "json", "logfmt"] as const) {
      assert.strictEqual(line(format, false, "two\nlines").split("\n").length, 2, format)
    }
  })
})

describe("--syslog", { timeout: 60_000 }, () => {
  it("hands the log to logger(1), beside the file, and only where it is given", () =>
    inDirectory(async (directory) => {
      const [taken, file] = [Path.join(directory, "taken"), Path.join(directory, "log")]
      Fs.writeFileSync(Path.join(directory, "logger"), `#!/bin/sh\necho "$@" >> ${taken}\nexec cat >> ${taken}\n`, {
        mode: 0o755
      })
      const env = { PATH: `${directory}:${process.env["PATH"]}` }
      const log = () => Fs.readFileSync(file, "utf8")
      const without = await startServer([`--log-file=${file}`, "--verbose=NOTICE"], { env })
      assert.strictEqual((await end(without)).code, 0)
      assert.include(log(), "listening on")
      assert.isFalse(Fs.existsSync(taken))
      Fs.rmSync(file)
      const server = await startServer(["--syslog", `--log-file=${file}`, "--verbose=NOTICE"], { env })
      assert.strictEqual((await end(server)).code, 0)
      await until(() => Fs.readFileSync(taken, "utf8") === `-t gearmand\n${log()}`, "logger had every line of the file")
      assert.include(log(), "listening on")
    }))

  it("says so where there is no logger, and serves", () =>
    inDirectory(async (directory) => {
      const server = await startServer(["--syslog", "--log-file=none"], { env: { PATH: directory } })
      await server.says("lines for syslog are lost: cannot start logger(1)", patienceMillis)
      assert.match((await ask(server.port, "version")) ?? "", /^OK /)
      assert.strictEqual((await end(server)).code, 0)
    }))
})

describe("the log of a server", { timeout: 60_000 }, () => {
  const logged = async (args: ReadonlyArray<string>): Promise<string> => {
    let text = ""
    await inDirectory(async (directory) => {
      const file = Path.join(directory, "log")
      const server = await startServer([`--log-file=${file}`, "--allow-cancel", ...args])
      const at = ["--server", server.address]
      const worker = startGearman(["worker", "cat", ...at, "--client-id", "otis", "--", "cat"])
      await gearman(["submit", "cat", "x", "--unique", "u1", ...at])
      await end(worker)
      assert.strictEqual((await end(server)).code, 0)
      text = Fs.readFileSync(file, "utf8")
    })
    return text
  }

  it.each(["gearmand", "pretty", "json", "logfmt"] as const)("tells of jobs at DEBUG, as %s", async (format) => {
    const lines = (await logged([`--log-format=${format}`, "--verbose=DEBUG"])).trimEnd().split("\n")
    const about = (text: string) => lines.find((one) => one.includes(text)) ?? `no line about "${text}"`
    if (format === "json") {
      const assigned = JSON.parse(about("job assigned"))
      assert.deepInclude(assigned, {
        level: "DEBUG",
        function: "cat",
        unique: "u1",
        worker: "otis",
        priority: "normal"
      })
      assert.deepInclude(JSON.parse(about("job completed")), { handle: assigned.handle, outcome: "completed" })
      for (const one of lines) assert.containsAllKeys(JSON.parse(one), ["time", "level", "message"])
    } else {
      assert.match(about("job assigned"), /DEBUG.*job assigned"? handle=H:\S+ function=cat unique=u1 .*worker=otis/)
      assert.match(about("job completed"), /function=cat unique=u1 .*outcome=completed/)
      assert.match(about("SIGTERM"), /NOTICE.*SIGTERM: stopping/)
    }
  })

  it("says nothing of jobs above DEBUG, and nothing at all of a healthy server at ERROR", async () => {
    assert.notInclude(await logged(["--verbose=INFO"]), "job ")
    assert.strictEqual(await logged(["--verbose=ERROR"]), "")
  })

  it("goes on in a new file after SIGHUP, and loses no line", async () => {
    await inDirectory(async (directory) => {
      const file = Path.join(directory, "log")
      const server = await startServer([`--log-file=${file}`, "--verbose=NOTICE"])
      Fs.renameSync(file, `${file}.1`)
      process.kill(server.pid, "SIGHUP")
      await until(() => Fs.existsSync(file) && Fs.readFileSync(file, "utf8").includes("SIGHUP"), "the log was reopened")
      assert.strictEqual((await end(server)).code, 0)
      assert.match(Fs.readFileSync(`${file}.1`, "utf8"), /listening on/)
      assert.match(Fs.readFileSync(file, "utf8"), /log reopened[^]*SIGTERM: stopping/)
    })
  })

  it("is coloured on a terminal", async () => {
    // `exec`: a shell between would end by the signal too, and hide the server's own exit code.
    const command = `exec ${process.execPath} ${mainPath} server --port=0 --verbose=NOTICE --log-format=pretty`
    const terminal = spawn("script", ["--quiet", "--return", "--command", command, "/dev/null"], {
      env: { ...process.env, NO_COLOR: "", SHELL: "/bin/sh" }
    })
    let shown = ""
    terminal.stdout.on("data", (chunk: Buffer) => (shown += chunk.toString()))
    const ended = new Promise((resolve) => terminal.once("close", resolve))
    await until(() => shown.includes("\u001b[32mNOTICE  \u001b[0m listening on"), "it was coloured")
    // Ctrl-C, as the terminal passes it on.
    terminal.stdin.end("\u0003")
    assert.strictEqual(await ended, 0)
  })
})

describe("a full disk", () => {
  it("costs lines and nothing else; how many, the next file tells", () =>
    inDirectory(async (directory) => {
      const file = Path.join(directory, "log")
      // Each write to it fails as on a full disk.
      Fs.symlinkSync("/dev/full", file)
      const log = Log.open({ level: "INFO", format: "gearmand", target: file, isTargetChosen: true, syslog: false })
      const told: Array<string> = []
      const write = process.stderr.write
      process.stderr.write = ((text: string) => told.push(text) > 0) as typeof write
      try {
        for (const message of ["one", "two", "three"]) log.write("ERROR", message)
      } finally {
        process.stderr.write = write
      }
      assert.strictEqual(log.lost(), 3)
      assert.strictEqual(told.length, 1)
      assert.match(told[0]!, /lines are lost: cannot write to the log file .*ENOSPC/)

      Fs.unlinkSync(file)
      log.reopen()
      log.write("ERROR", "four")
      log.write("ERROR", "five")
      const lines = Fs.readFileSync(file, "utf8").trimEnd().split("\n")
      assert.strictEqual(lines[0], "3 lines could not be written here")
      assert.deepStrictEqual([lines.length, lines[1]!.slice(-4), lines[2]!.slice(-4)], [3, "four", "five"])
      log.close()
    }))

  it("keeps the old file when the new one cannot be opened, and says so there", () =>
    inDirectory(async (directory) => {
      const folder = Path.join(directory, "logs")
      Fs.mkdirSync(folder)
      const file = Path.join(folder, "log")
      const log = Log.open({ level: "INFO", format: "gearmand", target: file, isTargetChosen: true, syslog: false })
      Fs.renameSync(folder, Path.join(directory, "old"))
      log.reopen()
      log.write("NOTICE", "still here")
      log.close()
      const text = Fs.readFileSync(Path.join(directory, "old/log"), "utf8")
      assert.match(text, /cannot open the log file .* again: ENOENT.*\n.*still here\n/)
    }))
})
