/** `top`: what it shows, its keys, and the terminal that it gives back. */
import { type ChildProcess, spawn } from "node:child_process"
import * as Fs from "node:fs"
import { assert, describe, it } from "vitest"
import * as TopView from "../../src/runtime/cli/TopView.ts"
import type { Row } from "../../src/runtime/cli/Diagnosis.ts"
import {
  end,
  gearman,
  inDirectory,
  mainPath,
  patienceMillis,
  startGearman,
  startServer,
  until,
  ask
} from "./support.ts"
import { freePort, listening, start } from "../interop/processes.ts"

const detail = {
  waiting: 0,
  delayed: 0,
  running: 0,
  workers: 0,
  busy: 0,
  sleeping: 0,
  woken: 0,
  limited: 0,
  deniedSubmits: 0,
  deniedWorkers: 0,
  waitMillis: 0
}
const row = (
  name: string,
  numbers: { queued?: number; running?: number; workers?: number; waitMillis?: number }
): Row => {
  const { queued = 0, running = 0, waitMillis = 0, workers = 0 } = numbers
  return {
    server: "sammy:4730",
    function: name,
    queued,
    running,
    workers,
    detail: { ...detail, function: name, waiting: queued, running, workers, busy: running, waitMillis }
  }
}
const rows = [
  row("busy", { queued: 9, running: 2, workers: 2, waitMillis: 1_234 }),
  row("fine", { queued: 20, running: 1, workers: 4 }),
  row("alone", { queued: 1, waitMillis: 600_000 }),
  row("idle", { workers: 1 })
]
const workers = [
  { server: "sammy:4730", connection: 7, host: "10.0.0.1", clientId: "otis", functions: ["busy", "fine"] }
]
const found: TopView.Found = { rows, workers, problems: [] }
const state = TopView.looked(TopView.initial, found)
const size = { columns: 110, rows: 20 }

/** The lines without colours. */
const plain = (lines: ReadonlyArray<string>) =>
  lines.map((line) => line.replaceAll("\u001b", "").replaceAll(/\[\d+m/g, ""))
const names = (lines: ReadonlyArray<string>) =>
  plain(lines)
    .slice(3, -2)
    .map((line) => line.split(" ")[0])
const after = (keys: string, from = state, height = size.rows) =>
  TopView.keysOf(keys).reduce((current, key) => TopView.pressed(current, key, height), from)

describe("the screen of top", () => {
  it("shows what is stuck first, with waits and reasons", () => {
    const lines = plain(TopView.screen(state, size))
    assert.strictEqual(lines[0], "4 functions, 30 jobs queued, 3 running, 1 worker, 2 stuck")
    assert.match(lines[2]!, /^FUNCTION +QUEUED +CHANGE +WAIT +RUNNING +WORKERS +$/)
    assert.match(lines[3]!, /^busy +9 +0 +1\.2s +2 +2 +! all 2 workers are busy; start more/)
    assert.match(lines[4]!, /^alone +1 +0 +10m +0 +0 +! no worker anywhere can do it/)
    assert.deepStrictEqual(names(TopView.screen(state, size)), ["busy", "alone", "fine", "idle"])
    assert.match(lines.at(-1)!, /^q quit {2}w workers {2}s sort: stuck {2}p pause$/)
  })

  it("does not say that nothing is there when nobody could be asked", () => {
    const problems = ["cannot reach the job server sammy:4730"]
    const lost = TopView.looked(state, { rows: [], workers: [], problems, failure: new Error(problems[0]) })
    const lines = plain(TopView.screen(lost, size))
    assert.strictEqual(lines[0], "no job server answers")
    assert.include(lines, `! ${problems[0]}`)
    assert.strictEqual(
      plain(TopView.screen(TopView.looked(lost, found), size))[0],
      plain(TopView.screen(state, size))[0]
    )
    const half = TopView.looked(TopView.initial, { ...found, problems })
    assert.strictEqual(
      plain(TopView.screen(half, size))[0],
      "4 functions, 30 jobs queued, 3 running, 1 worker, 2 stuck"
    )
  })

  it("names servers where there are several", () => {
    const other = { ...row("fine", { workers: 1 }), server: "kenny:4730" }
    const lines = plain(TopView.screen(TopView.looked(TopView.initial, { ...found, rows: [...rows, other] }), size))
    assert.match(lines[2]!, /WORKERS +SERVER/)
    assert.match(lines.join("\n"), /^fine +0 +0 +0 +1 +kenny:4730$/m)
  })

  it("sorts anew with s", () => {
    const orders = ["s", "ss", "sss", "ssss", "sssss"].map((keys) => names(TopView.screen(after(keys), size)))
    assert.deepStrictEqual(orders, [
      ["fine", "busy", "alone", "idle"],
      ["alone", "busy", "fine", "idle"],
      ["busy", "fine", "alone", "idle"],
      ["alone", "busy", "fine", "idle"],
      ["busy", "alone", "fine", "idle"]
    ])
  })

  it("shows workers with w", () => {
    const lines = plain(TopView.screen(after("w"), size))
    assert.match(lines[3]!, /^otis +10\.0\.0\.1 +7 +sammy:4730 +busy fine$/)
    assert.deepStrictEqual(TopView.screen(after("ww"), size), TopView.screen(state, size))
  })

  it("stays as it is with p, and tells what has changed", () => {
    const next = { ...found, rows: [row("busy", { queued: 12, running: 2, workers: 2 })] }
    const paused = TopView.looked(after("p"), next)
    assert.deepStrictEqual(paused.found, found)
    assert.include(plain(TopView.screen(paused, size))[0]!, "(paused)")
    assert.match(plain(TopView.screen(TopView.looked(state, next), size))[3]!, /^busy +12 +\+3 /)
    assert.deepStrictEqual(TopView.looked(after("pp"), next).found, next)
  })

  it("scrolls as far as there is something, and says how much is left", () => {
    const many = { ...found, rows: Array.from({ length: 100 }, (_, at) => row(`f${String(at).padStart(3, "0")}`, {})) }
    const long = TopView.looked(TopView.initial, many)
    const first = (keys: string) => names(TopView.screen(after(keys, long, 15), { columns: 80, rows: 15 }))[0]
    assert.deepStrictEqual(["", "j", "\u001b[B\u001b[B", "k", "\u001b[6~", " \u001b[5~", " ".repeat(50)].map(first), [
      "f000",
      "f001",
      "f002",
      "f000",
      "f010",
      "f000",
      "f090"
    ])
    const last = plain(TopView.screen(after(" ", long, 15), { columns: 100, rows: 15 })).at(-1)
    assert.include(last, "10 above, 80 below")
  })

  it("fits every size of a terminal", () => {
    const problems = ["cannot reach the job server kenny:4730: nothing listens there (connection refused)"]
    for (const from of [TopView.looked(TopView.initial, { ...found, problems }), after("w")]) {
      for (const columns of [1, 20, 40, 79, 80, 81, 132, 300]) {
        for (const height of [1, 5, 6, 10, 24, 60]) {
          const lines = plain(TopView.screen(from, { columns, rows: height }))
          assert.isAtMost(lines.length, height)
          for (const line of lines) assert.isAtMost(line.length, columns)
        }
      }
    }
  })

  it("has no bytes from the network but visible ones", () => {
    const evil = TopView.looked(TopView.initial, { ...found, rows: [row("\u001b[2Jevil\u0007", { queued: 1 })] })
    assert.include(plain(TopView.screen(evil, size))[3]!, "\\x1b[2Jevil\\x07")
  })

  it("tells waits in few letters", () => {
    const texts = [0, 1_234, 9_999, 10_000, 99_400, 120_000, 5_900_000, 86_400_000].map(TopView.waitText)
    assert.deepStrictEqual(texts, ["0.0s", "1.2s", "10.0s", "10s", "99s", "2m", "98m", "24h"])
  })
})

describe("top", { timeout: 60_000 }, () => {
  /** A command in a terminal of its own, which is sent its keys once the screen is there. */
  const inTerminal = async (command: string, then: (terminal: ChildProcess, shown: () => string) => Promise<void>) => {
    const terminal = spawn("script", ["--quiet", "--return", "--command", command, "/dev/null"], {
      env: { ...process.env, SHELL: "/bin/sh" }
    })
    let stdout = ""
    terminal.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()))
    const code = new Promise<number | null>((resolve) => terminal.once("close", resolve))
    const limit = setTimeout(() => terminal.kill("SIGKILL"), patienceMillis)
    await until(() => stdout.includes("q quit"), "the screen was there")
    await then(terminal, () => stdout)
    const ended = { code: await code, stdout }
    clearTimeout(limit)
    return ended
  }

  const widthsOf = (text: string) =>
    text
      .split("\u001b[7m")
      .slice(1)
      .map((part) => part.indexOf("\u001b"))
  const taken = "\u001b[?1049h\u001b[?25l"
  const given = "\u001b[?25h\u001b[?1049l"

  it("prints one look where there is no terminal, with how long the longest job has waited", async () => {
    const server = await startServer()
    const at = ["--server", server.address]
    await gearman(["submit", "orphan", "x", "-b", ...at])
    const worker = startGearman(["worker", "cat", ...at])
    await until(async () => (await ask(server.port, "workers"))?.includes(": cat\n") === true, "the worker came")
    const { code, stdout } = await gearman(["top", ...at])
    assert.strictEqual(code, 0)
    assert.match(stdout, /^2 functions, 1 job queued, 0 running, 1 worker, 1 stuck\n\nFUNCTION/)
    assert.match(stdout, /^orphan +1 +0 +\d+\.\ds +0 +0 +! no worker anywhere can do it/m)
    await end(worker)
    await end(server)
    const gone = await gearman(["top", ...at])
    assert.deepStrictEqual([gone.code, gone.stdout], [3, ""])
    assert.match(gone.stderr, /^effect-gearman: cannot reach [^\n]+\n$/)
  })

  it("looks at gearmand too, and says that it does not tell waits", async () => {
    const port = await freePort()
    const other = start("gearmand", [`--port=${port}`, "--listen=127.0.0.1", "--log-file=none"])
    await listening(other, port)
    const at = ["--server", `127.0.0.1:${port}`]
    await gearman(["submit", "orphan", "x", "-b", ...at])
    assert.match((await gearman(["top", ...at])).stdout, /^orphan +1 +0 +\? +0 +0 +! no worker anywhere can do it/m)
    const doctor = await gearman(["doctor", "--wait", "0.1", ...at])
    assert.strictEqual(doctor.code, 1)
    assert.match(doctor.stdout, /^orphan on \S+: 1 queued, 0 running, 0 workers: no worker anywhere can do it/)
    await other.stop()
  })

  it.each([
    ["q", "q"],
    ["Ctrl-C", "\u0003"],
    ["keys, and then q", "wspj\u001b[Bwq"]
  ])("gives the terminal back after %s", async (_, input) => {
    const server = await startServer()
    const shown = await inTerminal(
      `${process.execPath} ${mainPath} top --server ${server.address} && stty -a`,
      async (terminal) => {
        terminal.stdin!.end(input)
      }
    )
    assert.strictEqual(shown.code, 0)
    const [before, rest] = shown.stdout.split(given)
    assert.include(before, taken)
    // Echo, line mode and signals are as they were.
    assert.match(rest!, /[^-]icanon[^]*[^-]echo\b/)
    assert.match(rest!, /[^-]isig/)
    await end(server)
  })

  it("gives the terminal back after SIGTERM, and follows its size", async () => {
    const server = await startServer()
    await inDirectory(async (directory) => {
      const once = (file: string) => `while [ ! -e ${directory}/${file} ]; do sleep 0.05; done`
      const top = `${process.execPath} ${mainPath} top --server ${server.address} --interval 60`
      const resize = `${once("wider")}; stty cols 100; ${once("enough")}`
      const command = `stty rows 24 cols 60; ${top} & ${resize}; kill $!; wait $!; echo "code $?"`
      const { stdout } = await inTerminal(command, async (_, shown) => {
        Fs.writeFileSync(`${directory}/wider`, "")
        // The line of columns, reversed, is as wide as the terminal.
        await until(() => widthsOf(shown()).at(-1) === 100, "it was wider")
        Fs.writeFileSync(`${directory}/enough`, "")
      })
      const [before, rest] = stdout.split(given)
      assert.include(rest ?? "", "code 0")
      const widths = widthsOf(before!)
      assert.deepStrictEqual([widths[0], widths.at(-1)], [60, 100])
    })
    await end(server)
  })
})
