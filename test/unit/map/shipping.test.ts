/**
 * Functions as text and back: which kinds travel, what is refused and how it is told, and
 * that workloads and results which nobody of us wrote are told apart.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as fc from "fast-check"
import { evaluation, remoteErrorOf } from "../../../src/protocol/map/Evaluation.ts"
import { EvaluationError, layerUnsafe, MapEvaluator } from "../../../src/protocol/map/MapEvaluator.ts"
import * as Outcome from "../../../src/protocol/map/Outcome.ts"
import * as Shipment from "../../../src/protocol/map/Shipment.ts"
import * as Value from "../../../src/protocol/map/Value.ts"

type AnyFunction = (...values: ReadonlyArray<never>) => unknown

const workloadOf = (
  fn: AnyFunction,
  item: unknown,
  options: {
    readonly mode?: Shipment.Mode
    readonly captures?: Record<string, unknown>
    readonly combine?: AnyFunction
  } = {}
) =>
  Result.gen(function* () {
    const mode = options.mode ?? "map"
    const head = yield* Shipment.encodeHead({
      mode,
      source: yield* Shipment.sourceOf(fn, mode),
      combine: options.combine === undefined ? "" : yield* Shipment.sourceOf(options.combine, mode),
      captures: options.captures ?? {},
      timeLimitMillis: 0
    })
    return Shipment.join(head, yield* Value.encode(item, "items[0]"))
  })

const evaluated = Effect.fnUntraced(
  function* (workload: Uint8Array) {
    const evaluator = yield* MapEvaluator
    const shipment = yield* Effect.fromResult(Shipment.decode(workload))
    return yield* Effect.fromResult(Value.decode(yield* evaluator.evaluate(shipment)))
  },
  Effect.provide(layerUnsafe({ worker: "sammy" }))
)

/** Ships the function with the item and gives what comes back. */
const shipped = (...parameters: Parameters<typeof workloadOf>) =>
  Effect.flatMap(Effect.fromResult(workloadOf(...parameters)), evaluated)

const problemOf = (...parameters: Parameters<typeof workloadOf>): string => {
  const workload = workloadOf(...parameters)
  return Result.isFailure(workload) ? workload.failure.message : "shipped"
}

const factor = 3
const methods = {
  double(n: number) {
    return n * 2
  },
  ["computed name"](n: number) {
    return n * 2
  },
  async(n: number) {
    return n * 2
  },
  get: (n: number) => n * 2
}

describe("shipping", () => {
  it.effect("arrows, function expressions and methods arrive, with their captures and the worker's name", () =>
    Effect.gen(function* () {
      const kinds: ReadonlyArray<AnyFunction> = [
        (n: number) => n * 2,
        function (n: number) {
          return n * 2
        },
        function double(n: number): number {
          return n > 0 ? n * 2 : double(-n)
        },
        methods.double,
        methods["computed name"],
        methods.async,
        methods.get
      ]
      for (const kind of kinds) assert.strictEqual(yield* shipped(kind, 21), 42, String(kind))
      assert.strictEqual(yield* shipped((n: number) => n * factor, 2, { captures: { factor } }), 6)
      assert.strictEqual(yield* shipped((_: unknown, context: { worker: string }) => context.worker, 0), "sammy")
    })
  )

  it.effect("an item cannot see what another one did to the captures", () =>
    Effect.gen(function* () {
      const list: Array<number> = []
      const push = (n: number) => list.push(n)
      for (let round = 0; round < 3; round++) assert.strictEqual(yield* shipped(push, 1, { captures: { list } }), 1)
    })
  )

  it.effect("flatMap takes any iterable or generator, and nothing else", () =>
    Effect.gen(function* () {
      const flat = (fn: AnyFunction, item: unknown) => shipped(fn, item, { mode: "flatMap" })
      assert.deepStrictEqual(yield* flat((n: number) => [n, n], 1), [1, 1])
      assert.deepStrictEqual(yield* flat((n: number) => new Set([n]), 1), [1])
      assert.deepStrictEqual(
        yield* flat(function* (n: number) {
          yield n
          yield n + 1
        }, 1),
        [1, 2]
      )
      for (const wrong of [(n: number) => n, () => "text", () => undefined]) {
        const failure = yield* Effect.flip(flat(wrong as AnyFunction, 1))
        assert.match(failure.message, /must return an iterable/)
      }
    })
  )

  it.effect("asynchronous functions run where they are allowed, and fail as others do", () =>
    Effect.gen(function* () {
      const run = (...parameters: Parameters<typeof workloadOf>) =>
        Effect.gen(function* () {
          const evaluator = yield* MapEvaluator
          const shipment = yield* Effect.fromResult(Shipment.decode(Result.getOrThrow(workloadOf(...parameters))))
          return yield* Effect.fromResult(Value.decode(yield* evaluator.evaluate(shipment)))
        })
      assert.strictEqual(yield* run(async (n: number) => (await n) * 2, 21), 42)
      const pairs = async function* (n: number) {
        yield await n
        yield n + 1
      }
      assert.deepStrictEqual(yield* run(pairs, 1, { mode: "flatMap" }), [1, 2])
      const combine = async (left: number, right: number) => left + right
      assert.strictEqual(yield* run(async (n: number) => n, [1, 2, 3], { mode: "reduce", combine }), 6)
      const rejects = async () => {
        throw new RangeError("later")
      }
      const failure = yield* Effect.flip(run(rejects, 1))
      assert.instanceOf(failure, EvaluationError)
      assert.include(failure, { kind: "thrown" })
      assert.strictEqual(failure.message, "RangeError: later")
    }).pipe(Effect.provide(layerUnsafe({ worker: "sammy", asynchronous: true })))
  )

  it.effect("reduce maps and combines a batch in order", () =>
    Effect.gen(function* () {
      const combine = (left: string, right: string) => `(${left} ${right})`
      assert.strictEqual(
        yield* shipped((n: number) => `<${n}>`, [1, 2, 3], { mode: "reduce", combine }),
        "((<1> <2>) <3>)"
      )
      const failure = yield* Effect.flip(
        shipped(
          (n: number) => {
            if (n === 3) throw new RangeError("three")
            return n
          },
          [1, 2, 3, 4],
          { mode: "reduce", combine }
        )
      )
      assert.strictEqual(failure._tag === "EvaluationError" && failure.position, 2)
    })
  )

  it("what has no source text, or another meaning, is refused before anything is sent", () => {
    assert.match(problemOf(Math.max, 1), /^the function max cannot be shipped: it is native or bound/)
    assert.match(problemOf(methods.double.bind(methods), 1), /^the function bound double cannot be shipped/)
    assert.match(
      problemOf(
        class {
          readonly x = 1
        } as unknown as AnyFunction,
        1
      ),
      /it is a class/
    )
    assert.match(
      problemOf(function* () {}, 1),
      /it is a generator function.*use flatMap/
    )
    assert.match(
      problemOf(async function* () {}, 1),
      /it is a generator function.*use flatMap/
    )
    assert.match(
      problemOf(() => 1, 1, { captures: { "a b": 1 } }),
      /the capture "a b" is no identifier/
    )
    assert.match(
      problemOf(() => 1, 1, { captures: { helper: () => 1 } }),
      /^captures\.helper cannot travel.*a function/
    )
    assert.match(
      problemOf(() => 1, [1, { when: Symbol("s") }]),
      /^items\[0\]\[1\]\.when cannot travel.*a symbol/
    )
  })

  it.effect("what is thrown comes back with name, message and stack", () =>
    Effect.gen(function* () {
      const failure = yield* Effect.flip(
        shipped((n: number) => {
          throw new RangeError(`no ${n}`)
        }, 7)
      )
      assert.instanceOf(failure, EvaluationError)
      assert.strictEqual(failure.kind, "thrown")
      assert.strictEqual(failure.error.name, "RangeError")
      assert.strictEqual(failure.error.message, "no 7")
      assert.match(failure.error.stack ?? "", /shipped-function\.js[^\n]*$/)
    })
  )

  it.effect("an error that is returned has the shipped function's frames, and none of the worker's", () =>
    Effect.gen(function* () {
      const returned = yield* shipped((n: number) => new RangeError(`no ${n}`, { cause: new Error("within") }), 7)
      assert.instanceOf(returned, RangeError)
      assert.match(returned.stack ?? "", /^RangeError: no 7\n[^\n]*shipped-function\.js[^\n]*$/)
      assert.match((returned.cause as Error).stack ?? "", /^Error: within\n[^\n]*shipped-function\.js[^\n]*$/)
    })
  )

  it.effect("a result that cannot travel is that item's failure, with the path", () =>
    Effect.gen(function* () {
      const failure = yield* Effect.flip(shipped(() => ({ on: [() => 1] }), 1))
      assert.strictEqual(failure._tag === "EvaluationError" && failure.kind, "result")
      assert.match(failure.message, /result\.on\[0\] is a function/)
    })
  )

  it.effect("text that is no function is a syntax error of that item", () =>
    Effect.gen(function* () {
      const head = yield* Effect.fromResult(
        Shipment.encodeHead({ mode: "map", source: "(n) => {", combine: "", captures: {}, timeLimitMillis: 0 })
      )
      const failure = yield* Effect.flip(evaluated(Shipment.join(head, Uint8Array.of(0))))
      assert.match(failure.message, /^SyntaxError: /)
    })
  )

  it.effect("the evaluator without a sandbox refuses to wait", () =>
    Effect.gen(function* () {
      const failure = yield* Effect.flip(shipped(async () => 1, 1))
      assert.strictEqual(failure._tag === "EvaluationError" && failure.kind, "unavailable")
    })
  )

  it("whatever is thrown can be described", () => {
    const odd: unknown = Object.create(null)
    assert.deepStrictEqual(
      [1, "text", undefined, Symbol("s"), odd, { name: "Custom", message: "told" }].map((thrown) => {
        const { message, name } = remoteErrorOf(thrown)
        return `${name}: ${message}`
      }),
      [
        "Error: threw 1",
        "Error: threw text",
        "Error: threw undefined",
        "Error: threw Symbol(s)",
        "Error: threw [object Object]",
        "Custom: told"
      ]
    )
    assert.strictEqual(remoteErrorOf(new Error("x".repeat(1e6))).message.length, 8192)
  })

  it("bytes of others are no shipment and no outcome", () => {
    const noise = fc.uint8Array({ maxLength: 60 })
    fc.assert(
      fc.property(noise, (bytes) => void [Shipment.decode(bytes), Outcome.decode(bytes)]),
      { numRuns: 2000 }
    )
    const refused = (bytes: Uint8Array) => assert.isTrue(Result.isFailure(Shipment.decode(bytes)))
    refused(new Uint8Array(0))
    refused(new TextEncoder().encode("hello"))
    refused(Result.getOrThrow(Value.encode([99, "map", 0, "", "", new Uint8Array(0)], "")))
    refused(Result.getOrThrow(Value.encode([1, "grind", 0, "", "", new Uint8Array(0)], "")))
    refused(Result.getOrThrow(Value.encode([1, "map", -1, "", "", new Uint8Array(0)], "")))
    assert.isTrue(Result.isFailure(Outcome.decode(new Uint8Array(0))))
    assert.isTrue(Result.isFailure(Outcome.decode(Uint8Array.of(1, 0))))
    assert.isTrue(Result.isFailure(Outcome.decode(Uint8Array.of(7, 0))))
  })

  it("outcomes survive", () => {
    const failure = new EvaluationError({ kind: "thrown", error: { name: "E", message: "m" }, position: 4 })
    assert.deepStrictEqual(Outcome.decode(Outcome.encodeFailure(failure)), Result.fail(failure))
    const value = Result.getOrThrow(Value.encode({ answer: 42n }, ""))
    assert.deepStrictEqual(Outcome.decode(Outcome.encodeSuccess(value)), Result.succeed({ answer: 42n }))
  })

  it("an evaluation hands out what may be a promise", () => {
    const workload = Result.getOrThrow(workloadOf(async (n: number) => n, 1))
    const steps = evaluation(Result.getOrThrow(Shipment.decode(workload)), { worker: "w" }, { position: 0 })
    assert.instanceOf(steps.next().value, Promise)
    const last = steps.next("settled")
    assert.deepStrictEqual(Value.decode(last.value as Uint8Array), Result.succeed("settled"))
  })
})
