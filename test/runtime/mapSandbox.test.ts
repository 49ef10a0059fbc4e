/**
 * The sandbox: whatever a shipped function does costs its own item and nothing else, and
 * no process outlives the worker.
 */
import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Result from "effect/Result"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { join } from "node:path"
import { MapEvaluator } from "../../src/protocol/map/MapEvaluator.ts"
import type * as Shipment from "../../src/protocol/map/Shipment.ts"
import * as Value from "../../src/protocol/map/Value.ts"
import * as MapSandbox from "../../src/runtime/map/MapSandbox.ts"

/** Ships source text, which is not what the test runner made of it. */
const run = Effect.fnUntraced(function* (
  source: string,
  item: unknown = 1,
  options: { readonly timeLimitMillis?: number; readonly mode?: Shipment.Mode; readonly combine?: string } = {}
) {
  const evaluator = yield* MapEvaluator
  const bytes = yield* evaluator.evaluate({
    mode: options.mode ?? "map",
    source,
    combine: options.combine ?? "",
    captures: Result.getOrThrow(Value.encode({}, "captures")),
    item: Result.getOrThrow(Value.encode(item, "item")),
    timeLimitMillis: options.timeLimitMillis ?? 0
  })
  return Result.getOrThrow(Value.decode(bytes))
})

const failureOf = (...parameters: Parameters<typeof run>) =>
  Effect.map(Effect.flip(run(...parameters)), ({ error, kind }) => `${kind}: ${error.message}`)

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

const eventually = (what: string, condition: () => boolean) =>
  Effect.gen(function* () {
    for (let attempt = 0; attempt < 200; attempt++) {
      if (condition()) return
      yield* Effect.sleep("25 millis")
    }
    assert.fail(`${what} did not happen within 5 seconds`)
  })

const pidOfGuard = run("() => process.pid")

const sandbox = MapSandbox.layer({ worker: "sammy", memoryLimitMebibytes: 64, timeLimit: "10 seconds" })

layer(sandbox, { excludeTestServices: true })("sandbox", (it) => {
  it.effect("functions that wait, and those that do not, give their results", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* run("(n) => n * 2", 21), 42)
      assert.strictEqual(
        yield* run("async (n) => { await new Promise((done) => setTimeout(done, 20)); return n * 2 }", 21),
        42
      )
      assert.strictEqual(yield* run("(n, { worker }) => worker"), "sammy")
      assert.strictEqual(yield* run("double(n) { return n * 2 }", 4), 8)
      assert.deepStrictEqual(yield* run("async function* (n) { yield n; yield n * 2 }", 4, { mode: "flatMap" }), [4, 8])
      assert.strictEqual(
        yield* run("async (n) => n + 1", [1, 2, 3], { mode: "reduce", combine: "async (left, right) => left + right" }),
        9
      )
      assert.strictEqual(
        yield* run(`async () => (await import("node:crypto")).createHash("sha1").update("x").digest("hex")`),
        "11f6ad8ec52a2984abaafd7c3b516503785c2072"
      )
      const value = new Map([["when", [new Date(5), 10n, new Float64Array([1, 2])]]])
      assert.deepStrictEqual(yield* run("(value) => value", value), value)
    })
  )

  it.effect("what is thrown comes back as it was", () =>
    Effect.gen(function* () {
      const { error, kind } = yield* Effect.flip(run("(n) => { throw new RangeError(`no ${n}`) }", 3))
      assert.deepStrictEqual([kind, error.name, error.message], ["thrown", "RangeError", "no 3"])
      assert.match(error.stack ?? "", /shipped-function\.js/)
      assert.strictEqual(yield* failureOf("async () => { throw new Error('later') }"), "thrown: later")
      assert.match(yield* failureOf("() => { const f = () => f() + 1; f() }"), /^thrown: Maximum call stack/)
      assert.match(yield* failureOf("() => () => 1"), /^result: result is a function/)
      assert.match(yield* failureOf("(n) => {"), /^thrown: /)
    })
  )

  const costly: ReadonlyArray<readonly [name: string, source: string, failure: RegExp]> = [
    ["an endless loop", "() => { for (;;); }", /^timeLimit: .* within 300 ms/],
    ["a promise that never settles", "() => new Promise(() => {})", /^timeLimit: .* within 300 ms/],
    ["an endless chain of promises", "async () => { for (;;) await 1 }", /^timeLimit: .* within 300 ms/],
    ["process.exit", "() => process.exit(3)", /^exited: .* exit code 3/],
    ["ending its own process", "() => { process.kill(process.pid, 'SIGKILL'); for (;;); }", /^exited: .*SIGKILL/],
    ["a rejection that nobody handles", "(n) => { Promise.reject(new Error('lost')); return n }", /^thrown: lost/],
    ["an error thrown later", "() => new Promise(() => setTimeout(() => { throw new Error('late') }))", /^thrown: late/]
  ]
  for (const [name, source, failure] of costly) {
    it.effect(`${name} costs one item`, () =>
      Effect.gen(function* () {
        assert.match(yield* failureOf(source, 1, { timeLimitMillis: 300 }), failure)
        assert.strictEqual(yield* run("(n) => n + 1", 1), 2)
      })
    )
  }

  const hungry: ReadonlyArray<readonly [name: string, source: string]> = [
    ["many small objects", "() => { const all = []; for (;;) all.push({}) }"],
    ["a growing map", "() => { const all = new Map(); for (let n = 0; ; n++) all.set(n, n) }"],
    ["one long array", "() => new Array(1e9).fill(0).length"],
    ["one long text in pieces", "() => 'x'.repeat(4e8).split('').length"],
    ["JSON.parse", "() => JSON.parse('[' + '1,'.repeat(5e7) + '1]').length"],
    ["buffers outside of the heap", "() => { const all = []; for (;;) all.push(new Uint8Array(1e6).fill(1)) }"]
  ]
  for (const [name, source] of hungry) {
    it.effect(`memory exhausted by ${name} costs one item`, () =>
      Effect.gen(function* () {
        assert.match(yield* failureOf(source), /^memoryLimit: .* more than 64 MiB/)
        assert.strictEqual(yield* run("(n) => n + 1", 1), 2)
      })
    )
  }

  it.effect("what a function leaves behind cannot harm the next item", () =>
    Effect.gen(function* () {
      const leave = "() => { setTimeout(() => process.exit(1), 50); setInterval(() => {}, 1); return 'left' }"
      assert.strictEqual(yield* run(leave), "left")
      assert.strictEqual(
        yield* run("async (n) => { await new Promise((done) => setTimeout(done, 150)); return n }", 7),
        7
      )
    })
  )

  it.effect("a thread is kept from item to item, and garbage of earlier items counts for nobody", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* run("() => (globalThis.count = (globalThis.count ?? 0) + 1)"), 1)
      assert.strictEqual(yield* run("() => (globalThis.count = (globalThis.count ?? 0) + 1)"), 2)
      for (let round = 0; round < 6; round++) {
        assert.strictEqual(yield* run("() => new Uint8Array(3e7).fill(1).length"), 3e7)
      }
    })
  )

  it.effect("files, programs and the worker's environment are out of reach", () =>
    Effect.gen(function* () {
      const file = JSON.stringify(import.meta.filename)
      assert.match(yield* failureOf(`async () => (await import("node:fs")).readFileSync(${file})`), /restricted/)
      assert.match(yield* failureOf(`async () => (await import("node:child_process")).execSync("true")`), /restricted/)
      assert.deepStrictEqual(yield* run("() => Object.keys(process.env)"), [])
    })
  )

  it.effect("the worker's own time limit holds where the client sets none", () =>
    Effect.gen(function* () {
      const fails = failureOf("() => { for (;;); }").pipe(
        Effect.provide(MapSandbox.layer({ timeLimit: "200 millis", memoryLimitMebibytes: 64 }))
      )
      assert.match(yield* fails, /within 200 ms/)
    })
  )

  it.effect("an item that is interrupted ends at once, and its slot goes on", () =>
    Effect.gen(function* () {
      const pid = yield* pidOfGuard
      const fiber = yield* Effect.forkChild(run("() => { for (;;); }"))
      yield* Effect.sleep("100 millis")
      yield* Fiber.interrupt(fiber)
      yield* eventually("the end of the process", () => !isAlive(pid as number))
      assert.strictEqual(yield* run("(n) => n", 5), 5)
    })
  )

  it.effect("slots run items at the same time, each in a process of its own", () =>
    Effect.gen(function* () {
      const together = Effect.all(
        [0, 1, 2].map(() =>
          run("async () => { await new Promise((done) => setTimeout(done, 300)); return process.pid }")
        ),
        { concurrency: "unbounded" }
      )
      const pids = yield* Effect.provide(together, MapSandbox.layer({ slots: 2, memoryLimitMebibytes: 64 }))
      assert.strictEqual(new Set(pids).size, 2)
      yield* eventually("the end of the processes", () => !pids.some((pid) => isAlive(pid as number)))
    })
  )

  it.effect("a process that cannot be started is told, and tried again with the next item", () =>
    Effect.gen(function* () {
      const { execPath } = process
      const evaluator = MapSandbox.layer({ memoryLimitMebibytes: 64 })
      const [failure, result] = yield* Effect.gen(function* () {
        process.execPath = "/nonexistent/node"
        const failure = yield* failureOf("(n) => n")
        process.execPath = execPath
        return [failure, yield* run("(n) => n", 3)]
      }).pipe(Effect.provide(evaluator), Effect.ensuring(Effect.sync(() => (process.execPath = execPath))))
      assert.match(String(failure), /^unavailable: this worker cannot start a process.*ENOENT/)
      assert.strictEqual(result, 3)
    })
  )

  it.effect("no process outlives a worker that is killed, not even one in a loop", () =>
    Effect.gen(function* () {
      const host = spawn(process.execPath, [join(import.meta.dirname, "fixtures/sandbox-host.ts")], {
        stdio: ["ignore", "pipe", "inherit"]
      })
      const [line] = yield* Effect.promise(() => once(host.stdout, "data") as Promise<[Buffer]>)
      const pid = Number(line)
      assert.isTrue(isAlive(pid))
      // It is in its loop by now, or soon.
      yield* Effect.sleep("100 millis")
      host.kill("SIGKILL")
      yield* eventually("the end of the process", () => !isAlive(pid))
    })
  )
})
