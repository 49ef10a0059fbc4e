/**
 * The distributed map against a client that runs each job at once, or when it is let:
 * order, window, failures, retries, progress, and what is said to the client.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import { Client } from "../../../src/protocol/Client.ts"
import * as DistributedMap from "../../../src/protocol/DistributedMap.ts"
import { fromReason, NoServer } from "../../../src/protocol/GearmanError.ts"
import * as JobFunction from "../../../src/protocol/JobFunction.ts"
import * as Outcome from "../../../src/protocol/map/Outcome.ts"
import * as Shipment from "../../../src/protocol/map/Shipment.ts"

/** It has no message. */
class NoSuchFile extends Schema.TaggedError<NoSuchFile>("test/NoSuchFile")("NoSuchFile", { file: Schema.String }) {}

/** What the client saw, and how long it takes for each job. */
class Jobs {
  readonly functions: Array<{
    name: string
    unique: unknown
    idempotent: boolean
    priority: string
    timeout: unknown
  }> = []
  readonly workloads: Array<Uint8Array> = []
  running = 0
  mostRunning = 0
  /** Milliseconds that the n-th job takes, from 0. */
  durationOf: (job: number) => number = () => 0
  /** Whether the n-th job finds no server. */
  isUnserved: (job: number) => boolean = () => false
}

const clientFor = (jobs: Jobs) =>
  Layer.effect(
    Client,
    Effect.gen(function* () {
      const evaluator = yield* DistributedMap.MapEvaluator
      const run = Effect.fnUntraced(function* (
        fn: JobFunction.JobFunction<string, never, unknown, unknown, unknown>,
        payload: unknown
      ) {
        const number = jobs.functions.length
        jobs.functions.push({ ...fn })
        jobs.mostRunning = Math.max(jobs.mostRunning, ++jobs.running)
        yield* Effect.addFinalizer(() => Effect.sync(() => jobs.running--))
        yield* Effect.sleep(jobs.durationOf(number))
        if (jobs.isUnserved(number)) return yield* fromReason(new NoServer({ servers: [] }))
        if (fn.name === "shout") return String(payload).toUpperCase()
        if (fn.name === "letters") return [...String(payload)]
        if (fn.name === "fails") return yield* Effect.fail({ _tag: "Known", reason: "on purpose" })
        if (fn.name === "find") return yield* new NoSuchFile({ file: String(payload) })
        const workload = payload as Uint8Array
        jobs.workloads.push(workload)
        const shipment = yield* Effect.orDie(Effect.fromResult(Shipment.decode(workload)))
        return yield* Effect.match(evaluator.evaluate(shipment), {
          onFailure: Outcome.encodeFailure,
          onSuccess: Outcome.encodeSuccess
        })
      }, Effect.scoped)
      return { run } as unknown as Client["Service"]
    })
  ).pipe(Layer.provide(DistributedMap.layerUnsafe({ worker: "sammy" })))

const withJobs = <A, E>(use: (jobs: Jobs) => Effect.Effect<A, E, Client>) =>
  Effect.suspend(() => {
    const jobs = new Jobs()
    return Effect.provide(use(jobs), clientFor(jobs))
  })

const failsAt =
  (...indices: ReadonlyArray<number>) =>
  (n: number) => {
    if (indices.includes(n)) throw new RangeError(`no ${n}`)
    return n
  }

const numbers = Array.from({ length: 10 }, (_, index) => index)

describe("map", () => {
  it.effect("an option or function that makes no sense is a defect that says so", () =>
    withJobs(() =>
      Effect.gen(function* () {
        const wrong: Record<string, Effect.Effect<unknown, unknown, Client>> = {
          "window is 0": DistributedMap.map(numbers, (n) => n, { window: 0 }),
          "window is 1.5": Stream.runDrain(DistributedMap.mapStream(Stream.make(1), (n) => n, { window: 1.5 })),
          "timeLimit is -1": DistributedMap.map(numbers, (n) => n, { timeLimit: -1 }),
          "a map takes a function to ship, or a JobFunction; this is undefined": DistributedMap.map(
            numbers,
            undefined as never
          ),
          "this is n => n": Stream.runDrain(DistributedMap.mapStream(Stream.make(1), "n => n" as never)),
          "batch is 1": DistributedMap.reduce(
            numbers,
            (n) => n,
            (a, b) => a + b,
            { batch: 1 }
          )
        }
        for (const [message, effect] of Object.entries(wrong)) {
          const exit = yield* Effect.exit(effect)
          assert.include(Exit.isFailure(exit) ? String(Cause.squash(exit.cause)) : "nothing", message)
        }
      })
    )
  )

  it.effect("gives results in the order of the items, whichever ends first", () =>
    withJobs((jobs) =>
      Effect.gen(function* () {
        jobs.durationOf = (job) => 100 - job * 10
        const fiber = yield* Effect.forkChild(DistributedMap.map(numbers, (n) => n * n))
        yield* TestClock.adjust("100 millis")
        assert.deepStrictEqual(
          yield* Fiber.join(fiber),
          numbers.map((n) => n * n)
        )
      })
    )
  )

  it.effect("keeps at most `window` jobs in flight, and uses all of it", () =>
    withJobs((jobs) =>
      Effect.gen(function* () {
        jobs.durationOf = () => 10
        const fiber = yield* Effect.forkChild(DistributedMap.map(numbers, (n) => n, { window: 3 }))
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual(yield* Fiber.join(fiber), numbers)
        assert.strictEqual(jobs.mostRunning, 3)
      })
    )
  )

  it.effect("a thrown error names the item, carries message and stack, and lets go of the others", () =>
    withJobs((jobs) =>
      Effect.gen(function* () {
        jobs.durationOf = (job) => (job === 4 ? 1 : 60_000)
        const fiber = yield* Effect.forkChild(
          Effect.flip(DistributedMap.map(numbers, failsAt(4), { captures: { indices: [4] } }))
        )
        yield* TestClock.adjust("1 millis")
        const failure = yield* Fiber.join(fiber)
        assert.instanceOf(failure, DistributedMap.ItemFailed)
        assert.strictEqual(failure.index, 4)
        assert.strictEqual(failure.kind, "thrown")
        assert.strictEqual(failure.message, "item 4 failed: RangeError: no 4")
        assert.match(failure.error.stack ?? "", /RangeError: no 4/)
        assert.strictEqual(jobs.running, 0)
      })
    )
  )

  it.effect("a name that was not captured is explained", () =>
    withJobs(() =>
      Effect.gen(function* () {
        const factor = 3
        const failure = yield* Effect.flip(DistributedMap.map([1], (n) => n * factor))
        assert.match(failure.message, /item 0 failed: ReferenceError: factor is not defined.*captures/)
      })
    )
  )

  it.effect("collect gives each item its place, refused and unserved ones too", () =>
    withJobs((jobs) =>
      Effect.gen(function* () {
        jobs.isUnserved = (job) => job === 2
        const results = yield* DistributedMap.map([0, 1, 2, () => 3, 4], (n) => n, { onFailure: "collect", window: 1 })
        assert.deepStrictEqual(
          results.map((result) => (Result.isSuccess(result) ? result.success : result.failure._tag)),
          [0, 1, "ItemFailed", "CannotTravel", 4]
        )
        const unserved = results[2]!
        assert.isTrue(
          Result.isFailure(unserved) &&
            unserved.failure._tag === "ItemFailed" &&
            unserved.failure.kind === "job" &&
            (unserved.failure.cause as Error).message.startsWith("no job server")
        )
        assert.match(String(Result.isFailure(results[3]!) && results[3].failure.message), /^items\[3\] cannot travel/)
      })
    )
  )

  it.effect("what cannot travel is refused before any job of it", () =>
    withJobs((jobs) =>
      Effect.gen(function* () {
        const items = [1, 2, 3, { callback: () => 1 }]
        const refused = yield* Effect.flip(DistributedMap.map(items, (item) => item, { window: 1 }))
        assert.match(refused.message, /^items\[3\]\.callback cannot travel/)
        assert.strictEqual(jobs.functions.length, 3)
        const captured = yield* Effect.flip(
          DistributedMap.map([1], (n) => n, { captures: { at: new URL("http://x") } })
        )
        assert.match(captured.message, /^captures\.at cannot travel to a worker: it is an instance of URL/)
        const native = yield* Effect.flip(DistributedMap.map([1], Math.abs))
        assert.strictEqual(native._tag, "CannotShip")
        assert.strictEqual(jobs.functions.length, 3)
      })
    )
  )

  it.effect("equal items of an idempotent function are equal jobs; of another, no two are", () =>
    withJobs((jobs) =>
      Effect.gen(function* () {
        yield* DistributedMap.map([{ a: 1 }, { a: 1 }, { a: 2 }], (item) => item.a, {
          idempotent: true,
          priority: "high"
        })
        yield* DistributedMap.map([1], (n) => n, { functionName: "my.map", timeout: "1 second" })
        const [first, second, third] = jobs.workloads.map(String)
        assert.strictEqual(first, second)
        assert.notStrictEqual(first, third)
        assert.deepInclude(jobs.functions[0]!, { name: "effect-gearman.map", unique: "payload", idempotent: true })
        assert.strictEqual(jobs.functions[0]!.priority, "high")
        assert.deepInclude(jobs.functions[3]!, { name: "my.map", unique: "none", idempotent: false })
        assert.isDefined(jobs.functions[3]!.timeout)
      })
    )
  )

  it.effect("a retry costs the failed items only", () =>
    withJobs((jobs) =>
      Effect.gen(function* () {
        jobs.isUnserved = (job) => job === 3 || job === 10
        const results = yield* DistributedMap.map(numbers, (n) => n, {
          idempotent: true,
          retry: Schedule.recurs(2),
          window: 1
        })
        assert.deepStrictEqual(results, numbers)
        assert.strictEqual(jobs.functions.length, 12)
        const failure = yield* Effect.flip(
          DistributedMap.map([5], failsAt(5), {
            captures: { indices: [5] },
            idempotent: true,
            retry: Schedule.recurs(2)
          })
        )
        assert.match(failure.message, /item 0 failed: RangeError: no 5/)
        assert.strictEqual(jobs.functions.length, 15)
      })
    )
  )

  it.effect("progress is told after each item", () =>
    withJobs(() =>
      Effect.gen(function* () {
        const told: Array<string> = []
        yield* DistributedMap.map([1, 2, 3], failsAt(2), {
          captures: { indices: [2] },
          onFailure: "collect",
          window: 1,
          onProgress: ({ done, failed, total }) =>
            Effect.sync(() => void told.push(`${done}/${total}, ${failed} failed`))
        })
        assert.deepStrictEqual(told, ["1/3, 0 failed", "2/3, 1 failed", "3/3, 1 failed"])
      })
    )
  )

  it.effect("time limits travel to the worker", () =>
    withJobs((jobs) =>
      Effect.gen(function* () {
        yield* DistributedMap.map([1], (n) => n, { timeLimit: "1.5 seconds" })
        const shipment = Shipment.decode(jobs.workloads[0]!)
        assert.strictEqual(Result.isSuccess(shipment) && shipment.success.timeLimitMillis, 1500)
        yield* DistributedMap.map([1], (n) => n, { timeLimit: Number.POSITIVE_INFINITY })
        const endless = Shipment.decode(jobs.workloads[1]!)
        assert.strictEqual(Result.isSuccess(endless) && endless.success.timeLimitMillis, 0)
      })
    )
  )

  it.effect("functions that workers know by name take the place of shipped ones", () =>
    withJobs(() =>
      Effect.gen(function* () {
        const shout = JobFunction.utf8("shout")
        const letters = JobFunction.make("letters", { payload: Schema.String, success: Schema.Array(Schema.String) })
        const fails = JobFunction.make("fails", {
          payload: Schema.String,
          success: Schema.String,
          error: Schema.Struct({ _tag: Schema.tag("Known"), reason: Schema.String })
        })
        assert.deepStrictEqual(yield* DistributedMap.map(["a", "b"], shout), ["A", "B"])
        assert.deepStrictEqual(yield* DistributedMap.flatMap(["ab", "c"], letters), ["a", "b", "c"])
        const failure = yield* Effect.flip(DistributedMap.map(["a"], fails))
        assert.instanceOf(failure, DistributedMap.ItemFailed)
        assert.deepStrictEqual(failure.cause, { _tag: "Known", reason: "on purpose" })
        const noSuchFile = JobFunction.make("find", {
          payload: Schema.String,
          success: Schema.String,
          error: NoSuchFile
        })
        const untold = yield* Effect.flip(DistributedMap.map(["a"], noSuchFile))
        assert.strictEqual(untold.message, 'item 0 failed: find: {"_tag":"NoSuchFile","file":"a"}')
      })
    )
  )
})

describe("flatMap", () => {
  it.effect("the values follow each other in the order of the items", () =>
    withJobs((jobs) =>
      Effect.gen(function* () {
        jobs.durationOf = (job) => 100 - job * 10
        const fiber = yield* Effect.forkChild(
          DistributedMap.flatMap([3, 0, 2], (n) => Array.from({ length: n }, (_, index) => `${n}.${index}`))
        )
        yield* TestClock.adjust("100 millis")
        assert.deepStrictEqual(yield* Fiber.join(fiber), ["3.0", "3.1", "3.2", "2.0", "2.1"])
      })
    )
  )

  it.effect("collect keeps the values of an item together", () =>
    withJobs(() =>
      Effect.gen(function* () {
        const results = yield* DistributedMap.flatMap(["a b", ""], (line) => line.split(" "), { onFailure: "collect" })
        assert.deepStrictEqual(results, [Result.succeed(["a", "b"]), Result.succeed([""])])
      })
    )
  )
})

describe("streams", () => {
  it.effect("at most `window` items are taken before their results are read", () =>
    withJobs(() =>
      Effect.gen(function* () {
        let taken = 0
        const items = Stream.fromIterable(numbers).pipe(
          Stream.rechunk(1),
          Stream.tap(() => Effect.sync(() => taken++))
        )
        for (const order of ["input", "completion"] as const) {
          taken = 0
          let read = 0
          yield* DistributedMap.mapStream(items, (n) => n, { window: 3, order }).pipe(
            Stream.rechunk(1),
            Stream.runForEach(() =>
              Effect.gen(function* () {
                // Everything that can go on without us does so first.
                yield* Effect.repeat(Effect.yieldNow, { times: 100 })
                read++
                assert.isAtMost(taken, read + 3, order)
              })
            )
          )
          assert.strictEqual(read, 10)
        }
      })
    )
  )

  it.effect("results come in the order of the input, or as they come", () =>
    withJobs((jobs) =>
      Effect.gen(function* () {
        const collected = Effect.fnUntraced(function* (order: "input" | "completion") {
          jobs.functions.length = 0
          jobs.durationOf = (job) => 100 - job * 10
          const items = Stream.make("a", "b", "c")
          const fiber = yield* Effect.forkChild(
            Stream.runCollect(DistributedMap.mapStream(items, (name) => name, { order }))
          )
          yield* TestClock.adjust("100 millis")
          return (yield* Fiber.join(fiber)).join("")
        })
        assert.strictEqual(yield* collected("input"), "abc")
        assert.strictEqual(yield* collected("completion"), "cba")
      })
    )
  )

  it.effect("flatMapStream gives the values one by one, and failures end it", () =>
    withJobs(() =>
      Effect.gen(function* () {
        const words = DistributedMap.flatMapStream(Stream.make("to be", "or not"), (line) => line.split(" "))
        assert.deepStrictEqual(yield* Stream.runCollect(words), ["to", "be", "or", "not"])
        const failing = DistributedMap.mapStream(Stream.fromIterable(numbers), failsAt(6), {
          captures: { indices: [6] }
        })
        const failure = yield* Effect.flip(Stream.runDrain(failing))
        assert.strictEqual(failure._tag === "ItemFailed" && failure.index, 6)
      })
    )
  )
})

describe("reduce", () => {
  it.effect("combines in order, by a tree of jobs, and gives nothing for nothing", () =>
    withJobs((jobs) =>
      Effect.gen(function* () {
        const letters = [..."abcdefghijklmnopqrstuvwxyz"]
        const joined = yield* DistributedMap.reduce(
          letters,
          (letter) => letter.toUpperCase(),
          (left, right) => left + right,
          { batch: 3 }
        )
        assert.deepStrictEqual(joined, Option.some("ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
        // 26 letters in 9 batches, those in 3, those in 1.
        assert.strictEqual(jobs.functions.length, 13)
        assert.deepStrictEqual(
          yield* DistributedMap.reduce([], (n: number) => n, Math.max.bind(undefined) as never).pipe(
            Effect.flip,
            Effect.map((e) => e._tag)
          ),
          "CannotShip"
        )
        assert.deepStrictEqual(
          yield* DistributedMap.reduce(
            [] as Array<number>,
            (n) => n,
            (left, right) => left + right
          ),
          Option.none()
        )
      })
    )
  )

  it.effect("failures name the item in the whole input", () =>
    withJobs(() =>
      Effect.gen(function* () {
        const failure = yield* Effect.flip(
          DistributedMap.reduce(numbers, failsAt(7), (left, right) => left + right, {
            batch: 3,
            captures: { indices: [7] }
          })
        )
        assert.strictEqual(failure._tag === "ItemFailed" && failure.index, 7)
        const refused = yield* Effect.flip(
          DistributedMap.reduce(
            [1, 2, 3, 4, { on: () => 1 }],
            () => 1,
            (left, right) => left + right,
            { batch: 3 }
          )
        )
        assert.match(refused.message, /^items\[4\]\.on cannot travel/)
      })
    )
  )
})
