/**
 * Times given as options, of client, worker and map: those that make no sense are defects
 * that name the option and say what to give; no time and never are understood where they
 * mean something.
 */
import { assert, describe, it } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import * as Client from "../../../src/protocol/Client.ts"
import * as DistributedMap from "../../../src/protocol/DistributedMap.ts"
import * as JobFunction from "../../../src/protocol/JobFunction.ts"
import * as JobServer from "../../../src/protocol/JobServer.ts"
import * as MemoryNetwork from "../../../src/protocol/MemoryNetwork.ts"
import * as Network from "../../../src/protocol/Network.ts"
import * as Worker from "../../../src/protocol/Worker.ts"
import { defectOf } from "../support/defects.ts"

const servers = [Network.tcp("127.0.0.1", 4730)]
const reverse = JobFunction.utf8("reverse")
const idempotent = JobFunction.utf8("reverse", { idempotent: true })

const settle = Effect.gen(function* () {
  for (let turn = 0; turn < 200; turn++) yield* Effect.yieldNow
})

const world = Layer.merge(JobServer.layer({ address: servers[0]! }), Client.layer({ servers })).pipe(
  Layer.provideMerge(MemoryNetwork.layer)
)

type Use = (value: Duration.Input) => Effect.Effect<unknown, unknown, Network.Network | Client.Client | Scope.Scope>

const call = (use: (client: Client.Client["Service"]) => Effect.Effect<unknown, unknown, Scope.Scope>) =>
  Effect.flatMap(Client.Client, use)

/** Each must be longer than nothing. */
const positive: Record<string, Use> = {
  connectTimeout: (connectTimeout) => Client.make({ servers, connectTimeout }),
  probeInterval: (probeInterval) => Client.make({ servers, probeInterval }),
  probeTimeout: (probeTimeout) => Worker.make({ servers, probeTimeout }),
  requestTimeout: (requestTimeout) => Client.make({ servers, requestTimeout }),
  "reverse's timeout": (timeout) =>
    Effect.flatMap(Worker.make({ servers }), (worker) => worker.register(reverse, Effect.succeed, { timeout })),
  "resize's timeout": (timeout) => Effect.sync(() => JobFunction.utf8("resize", { timeout })),
  timeLimit: (timeLimit) => DistributedMap.map([1], (n: number) => n, { timeLimit })
}

/** Each may be 0. */
const waits: Record<string, Use> = {
  noServerTimeout: (noServerTimeout) => Client.make({ servers, noServerTimeout }),
  drainTimeout: (drainTimeout) => Worker.make({ servers, drainTimeout }),
  timeout: (timeout) => call((client) => client.run(reverse, "x", { timeout })),
  "timeout ": (timeout) => call((client) => client.submit(reverse, "x", { timeout })),
  "timeout  ": (timeout) => call((client) => client.background(reverse, "x", { timeout })),
  hedge: (hedge) => call((client) => client.run(idempotent, "x", { hedge })),
  after: (after) => call((client) => client.background(reverse, "x", { after }))
}

const nonsense: ReadonlyArray<readonly [value: unknown, shown: string]> = [
  ["rubbish", "rubbish"],
  ["5s", "5s"],
  [Number.NaN, "NaN"],
  [{ seconds: Number.NaN }, '{"seconds":NaN}'],
  [[Number.NaN, 0], "[NaN,0]"],
  [-1, "-1"],
  ["-1 seconds", "-1 seconds"],
  [-Infinity, "-Infinity"]
]

describe("times that make no sense", () => {
  const judge = (uses: Record<string, Use>, values: typeof nonsense, wanted: string) =>
    Effect.forEach(Object.entries(uses), ([name, use]) =>
      Effect.forEach(values, ([value, shown]) =>
        Effect.gen(function* () {
          const scope = yield* Scope.make()
          const exit = yield* Effect.exit(Scope.provide(use(value as Duration.Input), scope))
          yield* Scope.close(scope, Exit.void)
          const defect = defectOf(exit)
          assert.instanceOf(defect, RangeError, `${name} ${shown}`)
          assert.strictEqual(defect.message, `${name.trim()} is ${shown}; it must be ${wanted}`)
        })
      )
    ).pipe(Effect.provide(world))

  it.effect("are defects that name the option, the value, and what to give", () =>
    judge(positive, [...nonsense, [0, "0"]], 'longer than nothing, such as "5 seconds"; Infinity is never')
  )

  it.effect("are so where it may be none", () =>
    judge(waits, nonsense, 'a time such as "5 seconds", or 0; Infinity is never')
  )

  it.effect("a moment that is none is no time to run a job", () =>
    Effect.gen(function* () {
      const client = yield* Client.Client
      const wrong = {
        "at is Invalid Date; it must be": { at: new Date("rubbish") },
        "at is tomorrow; it must be": { at: "tomorrow" as never }
      }
      for (const [message, options] of Object.entries(wrong)) {
        const defect = defectOf(yield* Effect.exit(client.background(reverse, "x", options)))
        assert.instanceOf(defect, RangeError)
        assert.include(defect.message, message)
      }
    }).pipe(Effect.provide(world))
  )
})

describe("no time, and never", () => {
  it.effect("a call without any time for it ends at once, one with all time waits", () =>
    Effect.gen(function* () {
      const client = yield* Client.Client
      const failure = yield* Effect.flip(client.run(reverse, "x", { timeout: 0 }))
      assert.strictEqual(failure._tag === "GearmanError" ? failure.reason._tag : failure, "Timeout")
      const waiting = yield* Effect.forkChild(client.run(reverse, "x", { timeout: Infinity, hedge: Infinity }))
      const listening = yield* client.submit(reverse, "y", { timeout: "Infinity" })
      yield* settle
      yield* TestClock.adjust("10 minutes")
      assert.isUndefined(waiting.pollUnsafe())
      yield* Effect.forkScoped(
        Effect.provide(
          Layer.launch(
            Layer.provide(
              reverse.toLayer(Effect.succeed, { timeout: Infinity }),
              Worker.layer({ servers, drainTimeout: Infinity, probeInterval: Infinity, probeTimeout: Infinity })
            )
          ),
          yield* Effect.context<MemoryNetwork.MemoryNetwork | Network.Network>()
        )
      )
      assert.strictEqual(yield* Fiber.join(waiting), "x")
      assert.strictEqual(yield* listening.await, "y")
    }).pipe(Effect.scoped, Effect.provide(world))
  )

  it.effect("a caller may wait for a server for ever", () =>
    Effect.gen(function* () {
      const client = yield* Client.make({ servers, noServerTimeout: Infinity })
      const waiting = yield* Effect.forkChild(client.background(reverse, "x"))
      yield* TestClock.adjust("10 minutes")
      assert.isUndefined(waiting.pollUnsafe())
      yield* Effect.forkScoped(Layer.launch(JobServer.layer({ address: servers[0]! })))
      while (waiting.pollUnsafe() === undefined) yield* TestClock.adjust("1 second")
      assert.match((yield* Fiber.join(waiting)).handle, /^H:/)
    }).pipe(Effect.scoped, Effect.provide(MemoryNetwork.layer))
  )

  it.effect("a job may be delayed to a moment that a Date or a DateTime tells", () =>
    Effect.gen(function* () {
      const ran: Array<string> = []
      const worker = yield* Worker.make({ servers })
      yield* worker.register(reverse, (text) => Effect.sync(() => (ran.push(text), text)))
      const client = yield* Client.Client
      yield* client.background(reverse, "date", { at: new Date(60_000) })
      yield* client.background(reverse, "date time", { at: DateTime.makeUnsafe(120_000) })
      yield* client.background(reverse, "now", { after: 0 })
      const seen: Array<string> = []
      for (let minute = 0; minute < 3; minute++) {
        yield* settle
        seen.push(ran.splice(0).join())
        yield* TestClock.adjust("61 seconds")
      }
      assert.deepStrictEqual(seen, ["now", "date", "date time"])
    }).pipe(Effect.scoped, Effect.provide(world))
  )
})
