import { assert, describe, it } from "@effect/vitest"
import { spawnSync } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { Choices } from "../../src/sim/Choice.ts"
import { campaign } from "../../src/sim/explore/campaign.ts"
import { checkSeed } from "../../src/sim/explore/check.ts"
import { choiceCount, failureOf, fromOutcome, replay, toFile } from "../../src/sim/explore/Finding.ts"
import { shrink } from "../../src/sim/explore/shrink.ts"
import { simulate } from "../../src/sim/scenario/run.ts"
import { draw, type Scenario } from "../../src/sim/scenario/Scenario.ts"

const root = new URL("../../", import.meta.url).pathname
const node = join(root, "node_modules/.bin/node")

const sim = (...args: ReadonlyArray<string>) =>
  spawnSync(node, ["src/sim/main.ts", ...args], {
    cwd: root,
    encoding: "utf8",
    env: { ...process.env, TZ: "Asia/Kathmandu" }
  })

const withCalls = (seed: number): Scenario =>
  Array.from({ length: 100 }, (_, index) => draw(seed + index)).find(
    ({ clients, faults }) => faults.length > 0 && clients[0]!.calls.length > 3
  )!

/** Nobody works: callers wait for ever. */
const idle = (): Scenario => ({ ...withCalls(1), workers: [] })

describe("simulations", () => {
  it("hold all properties, and are the same twice", { timeout: 120_000 }, () => {
    const failures: Array<string> = []
    const tally = campaign({
      from: 1,
      step: 1,
      seedsMax: 60,
      secondsMax: 100,
      times: 2,
      onFailure: ({ failure, scenario }) => failures.push(`seed ${scenario.seed}: ${failure?.message}`)
    })
    assert.deepStrictEqual(failures, [])
    assert.isAbove(tally.succeeded / tally.answered, 0.6)
    assert.isAbove(tally.marks.length, 90)
  })

  it("are the same in another process and time zone", { timeout: 60_000 }, () => {
    const { hash } = checkSeed(7, 1)
    const { status, stdout } = sim("--seed", "7", "--json")
    assert.strictEqual(status, 0)
    assert.strictEqual(JSON.parse(stdout).hash, hash)
  })

  it("do the same when their choices are replayed", () => {
    for (const seed of [3, 8, 21]) {
      const outcome = checkSeed(seed, 1)
      assert.strictEqual(replay({ scenario: outcome.scenario, choices: outcome.record }).hash, outcome.hash)
    }
  })

  it("say what is pending when something never happens", () => {
    const { failure } = simulate(idle(), Choices.seeded(1))
    assert.match(String(failure), /every caller is answered.*caller \d+ at client\d waits for/)
  })

  it("shrink to what matters", { timeout: 60_000 }, () => {
    const outcome = simulate(idle(), Choices.seeded(1))
    const small = shrink(fromOutcome(outcome), { cpuSecondsMax: 10 })
    assert.strictEqual(small.failure, failureOf(outcome.failure))
    assert.strictEqual(small.scenario.clients.flatMap(({ calls }) => calls).length, 1)
    assert.strictEqual(small.scenario.faults.length, 0)
    assert.isBelow(choiceCount(small.choices), 20)
  })
})

describe("npm run sim", () => {
  it("tells wrong usage", { timeout: 150_000 }, () => {
    for (const args of [[], ["--json"]]) {
      const { status, stderr } = sim(...args)
      assert.strictEqual(status, 64)
      assert.include(stderr, "Usage: npm run sim")
    }
    const wrong: ReadonlyArray<readonly [told: RegExp, ...args: ReadonlyArray<string>]> = [
      [/^--seed takes a whole number, not "x"\n--help tells/, "--seed", "x"],
      [/^Unknown option '--nonsense'/, "--nonsense"],
      [/^--seeds takes a number from 1 on/, "--seeds", "0"],
      [/no such folder/, "--seed", "1", "--save", "/no/x.json"],
      [/^"\." cannot be written: it is a folder/, "--seed", "1", "--save", "."],
      [/^the other process did not start: spawn \/no\/node ENOENT/, "--pairs", "2", "--node", "/no/node"]
    ]
    for (const [told, ...args] of wrong) {
      const { status, stderr, stdout } = sim(...args)
      assert.strictEqual(status, 64, args.join(" "))
      assert.match(stderr, told)
      assert.strictEqual(stdout, "")
    }
  })

  it("compares the seeds of a campaign in two processes, and none is no success", { timeout: 150_000 }, () => {
    const { status, stdout } = sim("--pairs", "3", "--json")
    assert.deepStrictEqual(JSON.parse(stdout), { compared: 3, from: 1, difference: null })
    assert.strictEqual(status, 0)
    // A program that ends at once, and runs nothing.
    const none = sim("--pairs", "1", "--node", "/bin/true")
    assert.match(none.stdout, /^no seed was compared: /)
    assert.strictEqual(none.status, 1)
  })

  it("replays a file, and tells liveness by its exit code", { timeout: 30_000 }, () => {
    const folder = mkdtempSync(join(tmpdir(), "simulation-"))
    try {
      const file = join(folder, "idle.json")
      writeFileSync(file, toFile(fromOutcome(simulate(idle(), Choices.seeded(1)))))
      const { status, stdout } = sim("--replay", file)
      assert.strictEqual(status, 2)
      assert.include(stdout, "FAILS: property 36")
      assert.include(stdout, `again: npm run sim -- --replay ${file}`)
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  it("says in a line what is no saved run", { timeout: 150_000 }, () => {
    const wrong = {
      "nothing.json": /^nothing.json cannot be read: ENOENT/,
      "README.md": /^README.md is no JSON: /,
      "package.json": /^package.json is no saved run: it needs "scenario"/
    }
    for (const [file, expected] of Object.entries(wrong)) {
      const { status, stderr, stdout } = sim("--replay", file)
      assert.strictEqual(status, 64, file)
      assert.match(stderr, expected)
      assert.strictEqual(stdout, "")
    }
    assert.strictEqual(sim("--mutant", "24-first-function-wins", "--replay", "package.json").status, 64)
  })

  /** Runs a seed with something planted in whatever the command loads. */
  const planted = (id: string, ...args: ReadonlyArray<string>) =>
    spawnSync(node, ["--import", "./test/unit/sim/planted/register.ts", "src/sim/main.ts", ...args], {
      cwd: root,
      encoding: "utf8",
      env: { ...process.env, PLANTED: id }
    })

  it("tells by its exit code what has failed: safety, determinism", { timeout: 150_000 }, () => {
    const unsafe = planted("24-first-function-wins", "--seed", "4")
    assert.include(unsafe.stdout, "FAILS: property 29")
    assert.strictEqual(unsafe.status, 1)
    const many = planted("24-first-function-wins", "--seeds", "4")
    assert.include(many.stdout, "property 29")
    assert.strictEqual(many.status, 1)
    // Both have shrunk it and say what runs that again.
    for (const { stdout } of [unsafe, many]) {
      const [, file = ""] = /again: npm run sim -- --replay (\S+)\n1?\d packets/.exec(stdout) ?? []
      const small = planted("24-first-function-wins", "--replay", file)
      assert.include(small.stdout, "FAILS: property 29")
      rmSync(dirname(file), { recursive: true })
    }
    const different = planted("labels-in-another-order", "--seed", "2")
    assert.match(different.stdout, /FAILS: .*seed 2: [0-9a-f]{32} and then [0-9a-f]{32}; decision 0 differs/)
    assert.strictEqual(different.status, 3)
    assert.strictEqual(planted("labels-in-another-order", "--seeds", "2").status, 3)
    const bytes = planted("results-go-on", "--seed", "2")
    assert.match(bytes.stdout, /all decisions are equal, and event \d+ differs: once \d+ ms .* by \d+, once .* by \d+/)
    assert.strictEqual(bytes.status, 3)
  })
})
