/**
 * The options of `gearman` and `gearadmin`: the tools and our commands side by side, against
 * one server, must print the same.
 */
import * as Fs from "node:fs"
import * as Path from "node:path"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { expand } from "../../src/runtime/cli/GearmanLetters.ts"
import { run, start, type Result } from "../interop/processes.ts"
import { ask, end, gearman, inDirectory, startGearman, startServer, until } from "./support.ts"

let server: Awaited<ReturnType<typeof startServer>>
let worker: ReturnType<typeof startGearman>

beforeAll(async () => {
  server = await startServer(["--allow-cancel"])
  worker = startGearman(["worker", ...address(), "-f", "up", "-f", "shout", "--", "tr", "a-z", "A-Z"])
  await until(async () => ((await ask(server.port, "workers")) ?? "").includes("shout"), "the worker came")
}, 30_000)
afterAll(async () => {
  await end(worker)
  await end(server)
})

const address = () => ["-h", "127.0.0.1", "-p", String(server.port)]
const tool = (args: ReadonlyArray<string>, input?: string) =>
  run("gearman", [...address(), ...args], input === undefined ? {} : { input })
const ours = (args: ReadonlyArray<string>, input?: string) =>
  gearman(["submit", ...address(), ...args], input === undefined ? {} : { input })
const admin = (args: ReadonlyArray<string>) => run("gearadmin", [...address(), ...args])
const ourAdmin = (args: ReadonlyArray<string>) => gearman(["admin", ...address(), ...args])

const shown = ({ code, stdout }: Result) => ({ code, stdout })

describe("submit, with the options of gearman", { timeout: 60_000 }, () => {
  it.each([
    [["-f", "up"], "one\ntwo\n"],
    [["-fup"], "one\ntwo"],
    [["-f", "up", "a", "b", "c"], undefined],
    [["-f", "up", "-f", "shout"], "hi\n"],
    [["-f", "up", "-s"], undefined],
    [["-f", "up", "-P"], "one\ntwo\n"],
    [["-f", "up", "-n"], "one\ntwo\n"],
    [["-f", "up", "-N"], "one\ntwo\n"],
    [["-nPf", "up"], "one\ntwo\n"],
    [["-I", "-f", "up", "-u", "unique", "x"], undefined],
    [["-L", "-f", "up", "-t", "5000", "x"], undefined]
  ] as const)("prints the same for %j", async (args, input) => {
    const [theirs, mine] = [await tool(args, input), await ours(args, input)]
    assert.deepStrictEqual(shown(mine), shown(theirs))
    assert.notStrictEqual(theirs.code, "unknown")
    if (args.at(-1) !== "-s") assert.isAbove(theirs.stdout.length, 0)
  })

  it("tells handles with -v, and queues the same jobs with -b", async () => {
    // The tool tells them in the midst of the output, where they spoil it.
    const told = await ours(["-f", "up", "-v", "x"])
    assert.match(told.stderr, /^Task created: H:\S+\n$/)
    assert.match((await tool(["-f", "up", "-v", "x"])).stdout, /^XTask created: H:\S+\n$/)
    assert.strictEqual(told.stdout, "X")
    await tool(["-b", "-f", "queued", "-f", "queued2", "-n"], "x\ny\n")
    await ours(["-b", "-f", "queued", "-f", "queued2", "-n"], "x\ny\n")
    const status = await ask(server.port, "status")
    assert.include(status, "queued\t4\t0\t0\n")
    assert.include(status, "queued2\t4\t0\t0\n")
  })

  it("fails as gearman does when the job fails, and gives up after -t milliseconds", async () => {
    const failing = startGearman(["worker", ...address(), "-f", "failing", "--", "false"])
    await until(async () => ((await ask(server.port, "workers")) ?? "").includes(": failing\n"), "it came")
    assert.strictEqual((await tool(["-f", "failing", "x"])).code, 1)
    assert.strictEqual((await ours(["-f", "failing", "x"])).code, 1)
    await end(failing)
    const late = await ours(["-f", "nobody", "-t", "200", "x"])
    assert.strictEqual(late.code, 1)
    assert.match(late.stderr, /200/)
  })

  it("goes on after a job that fails, tells which it was, and fails at the end", async () => {
    const script = 'read x; test "$x" != 2 && echo "$x ok"'
    const mixed = startGearman(["worker", ...address(), "-f", "mixed", "--", "sh", "-c", script])
    await until(async () => ((await ask(server.port, "workers")) ?? "").includes(": mixed\n"), "it came")
    for (const [args, input, which] of [
      [["-f", "mixed", "-n"], "1\n2\n3\n", "line 2"],
      [["-f", "mixed", "1", "2", "3"], undefined, "job 2"]
    ] as const) {
      const [theirs, mine] = [await tool(args, input), await ours(args, input)]
      assert.strictEqual(mine.stdout, "1 ok\n3 ok\n")
      assert.deepStrictEqual(shown(mine), shown(theirs))
      assert.match(mine.stderr, new RegExp(`^effect-gearman: ${which}: [^\\n]* failed[^]*1 of 3 jobs failed\\n$`))
    }
    await end(mixed)
  })

  it("shows help for -H and for -h alone", async () => {
    for (const letter of ["-H", "-h"]) assert.include((await gearman(["submit", letter])).stdout, "--bare-lines")
  })
})

describe("worker, with the options of gearman", { timeout: 60_000 }, () => {
  /** What a client prints when a worker with the options runs one job and ends. */
  const served = async (name: string, isOurs: boolean, args: ReadonlyArray<string>) => {
    const letters = [...address(), "-f", name, "-c", "1", ...args]
    const serving = isOurs ? startGearman(["worker", ...letters]) : start("gearman", ["-w", ...letters])
    await until(async () => ((await ask(server.port, "workers")) ?? "").includes(`: ${name}\n`), "it came")
    const result = await tool(["-f", name, "-P"], "one\n")
    assert.strictEqual((await serving.ended).code, 0)
    return shown(result)
  }

  const command = ["--", "sh", "-c", "cat; echo two"]

  it("gives the same result", async () => {
    const theirs = await served("tool", false, command)
    assert.deepStrictEqual(await served("ours", true, command), {
      code: 0,
      stdout: theirs.stdout.replaceAll("tool: ", "ours: ")
    })
  })

  // The tool sends the lines before it again with each line; every line once is what its manual says.
  it.each([
    ["whole", "-n", "whole: one\nwhole: two\nwhole: "],
    ["bare", "-N", "bare: onebare: twobare: "]
  ])("sends each line at once: %s", async (name, letter, stdout) => {
    assert.deepStrictEqual(await served(name, true, [letter, ...command]), { code: 0, stdout })
  })

  it("keeps its process id in a file while it runs", () =>
    inDirectory(async (directory) => {
      const file = Path.join(directory, "pid")
      const serving = startGearman(["worker", ...address(), "-i", file, "-f", "idle"])
      await until(() => Fs.existsSync(file) && Fs.readFileSync(file, "utf8") === `${serving.pid}\n`, "it was written")
      assert.strictEqual((await end(serving)).code, 0)
      assert.isFalse(Fs.existsSync(file))
    }))
})

describe("admin, with the options of gearadmin", { timeout: 60_000 }, () => {
  it.each([
    [["--server-version"]],
    [["--server-verbose"]],
    [["--getpid"]],
    [["--status"]],
    [["--priority-status"]],
    [["--show-jobs"]],
    [["--show-unique-jobs"]],
    [["--status", "--getpid"]],
    [["--create-function", "created"]]
  ])("prints the same for %j", async ([...args]) => {
    // Something to show: a job with a unique in a function of its own.
    await ours(["-b", "-f", "listed", "-u", "u9", "x"])
    const [theirs, mine] = [await admin(args), await ourAdmin(args)]
    assert.deepStrictEqual(shown(mine), shown(theirs))
    assert.isAbove(theirs.stdout.length, 0)
  })

  it("drops functions", async () => {
    for (const drop of [admin, ourAdmin]) {
      await admin(["--create-function", "dropped"])
      assert.deepStrictEqual(shown(await drop(["--drop-function", "dropped"])), { code: 0, stdout: "OK\n" })
    }
  })

  it("shows the same workers", async () => {
    // Those who ask are connections too, and differ.
    const serving = ({ stdout }: Result) => stdout.split("\n").filter((line) => line.includes("up"))
    assert.deepStrictEqual(serving(await ourAdmin(["--workers"])), serving(await admin(["--workers"])))
  })

  it("cancels jobs", async () => {
    const handle = (await ours(["-b", "-f", "cancelled", "x"])).stdout.trim()
    assert.deepStrictEqual(shown(await ourAdmin(["--cancel-job", handle])), { code: 0, stdout: "OK\n" })
    assert.strictEqual((await ourAdmin(["--cancel-job", handle])).code, 1)
  })

  it("wants one command", async () => {
    assert.strictEqual((await ourAdmin([])).code, 2)
    assert.strictEqual((await ourAdmin(["--status", "version"])).code, 2)
  })
})

describe("letters", () => {
  it.each([
    [
      ["submit", "-h", "host", "-H"],
      ["submit", "--host", "host", "--help"]
    ],
    [
      ["submit", "-fwc", "-hhost", "-p4730", "-nP"],
      ["submit", "-f", "wc", "--host", "host", "-p", "4730", "-nP"]
    ],
    [
      ["worker", "-fwc", "--", "wc", "-H", "-h", "-fx"],
      ["worker", "-f", "wc", "--", "wc", "-H", "-h", "-fx"]
    ],
    [
      ["status", "-h"],
      ["status", "--help"]
    ],
    [
      ["map", "n => -n", "-1..3", "--flat"],
      ["map", "n => -n", "-1..3", "--flat"]
    ]
  ])("reads %j as %j", (args, expected) => {
    assert.deepStrictEqual([...expand(args)], expected)
  })
})
