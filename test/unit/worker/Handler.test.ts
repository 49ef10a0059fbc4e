/**
 * However a handler ends, its caller hears of it, in words that say what happened.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as SchemaGetter from "effect/SchemaGetter"
import * as Client from "../../../src/protocol/Client.ts"
import { GearmanError } from "../../../src/protocol/GearmanError.ts"
import { JobContext } from "../../../src/protocol/JobContext.ts"
import * as JobFunction from "../../../src/protocol/JobFunction.ts"
import * as JobServer from "../../../src/protocol/JobServer.ts"
import * as MemoryNetwork from "../../../src/protocol/MemoryNetwork.ts"
import * as Network from "../../../src/protocol/Network.ts"
import * as Packet from "../../../src/protocol/Packet.ts"
import * as Worker from "../../../src/protocol/Worker.ts"

const servers = ["sammy"]

const world = Layer.mergeAll(Worker.layer({ servers }), Client.layer({ servers })).pipe(
  Layer.provide(JobServer.layer({ address: Network.tcp("sammy") })),
  Layer.provide(MemoryNetwork.layer)
)

/** What the caller of a function hears as an exception. */
const exceptionOf = <Payload, Success>(
  called: JobFunction.JobFunction<string, Payload, Success>,
  payload: Payload,
  served: Layer.Layer<never, never, Worker.Worker>
) =>
  Effect.gen(function* () {
    const client = yield* Client.Client
    const error = yield* Effect.flip(client.run(called, payload))
    assert.instanceOf(error, GearmanError)
    return error.reason._tag === "JobException" ? Packet.toText(error.reason.data) : error.reason._tag
  }).pipe(Effect.provide(Layer.provideMerge(served, world)))

const text = JobFunction.utf8("text")
const whole = JobFunction.make("whole", { payload: Schema.Int, success: Schema.Int })

describe("a handler", () => {
  it.effect("that throws before it returns an effect", () =>
    Effect.gen(function* () {
      const served = text.toLayer(() => {
        throw new TypeError("too early")
      })
      assert.strictEqual(yield* exceptionOf(text, "x", served), "TypeError: too early")
    })
  )

  it.effect("that throws what is no error", () =>
    Effect.gen(function* () {
      const thrown = (value: unknown) =>
        exceptionOf(
          text,
          "x",
          text.toLayer(() => Effect.die(value))
        )
      assert.strictEqual(yield* thrown("a text"), "Error: a text")
      assert.strictEqual(yield* thrown({ code: 42 }), `Error: {"code":42}`)
      assert.strictEqual(yield* thrown(undefined), "Error: Unknown error: undefined")
    })
  )

  it.effect("that returns no effect", () =>
    Effect.gen(function* () {
      const promise = text.toLayer(() => Promise.resolve("x") as never as Effect.Effect<string>)
      assert.match(yield* exceptionOf(text, "x", promise), /Not a valid effect: \[object Promise\]/)
      const nothing = text.toLayer(() => undefined as never as Effect.Effect<string>)
      assert.match(yield* exceptionOf(text, "x", nothing), /Not a valid effect: undefined/)
      const within = text.toLayer(() => Effect.flatMap(Effect.void, () => "x" as never as Effect.Effect<string>))
      assert.match(yield* exceptionOf(text, "x", within), /Not a valid effect: x/)
    })
  )

  it.effect("that tells what no server understands", () =>
    Effect.gen(function* () {
      const telling = (tell: (job: JobContext["Service"]) => Effect.Effect<void>) =>
        exceptionOf(
          text,
          "x",
          text.toLayer(() => Effect.as(Effect.flatMap(JobContext, tell), "done"))
        )
      for (const [numerator, denominator] of [
        [-1, 2],
        [0.5, 1],
        [1, Number.NaN],
        [1, 2 ** 32]
      ] as const) {
        const told = yield* telling((job) => job.progress(numerator, denominator))
        assert.include(told, `RangeError: progress is ${numerator} of ${denominator}; both must be whole numbers`)
      }
      const told = yield* telling((job) => job.data("text" as never))
      assert.strictEqual(told, "TypeError: data and warnings are bytes (a Uint8Array), not string")
    })
  )

  it.effect("whose scope cannot be closed", () =>
    Effect.gen(function* () {
      const served = text.toLayer((payload) =>
        Effect.as(
          Effect.addFinalizer(() => Effect.die(new Error("the file is gone"))),
          payload
        )
      )
      assert.strictEqual(yield* exceptionOf(text, "x", served), "Error: the file is gone")
    })
  )

  it.effect("whose payload or result does not fit its schema", () =>
    Effect.gen(function* () {
      const half = whole.toLayer((number) => Effect.succeed(number / 2))
      assert.match(
        yield* exceptionOf(whole, 3, half),
        /^DecodeError: the success of "whole" does not fit its schema: Expected an integer/
      )
      const other = JobFunction.make("whole", { payload: Schema.String, success: Schema.Int })
      assert.match(
        yield* exceptionOf(other, "three", half),
        /^DecodeError: the payload of "whole" does not fit its schema: Expected number/
      )
    })
  )

  it.effect("whose schema throws", () =>
    Effect.gen(function* () {
      const broken = Schema.String.pipe(
        Schema.decodeTo(Schema.String, {
          decode: SchemaGetter.transform((value: string) => value),
          encode: SchemaGetter.transform((): string => {
            throw new Error("cannot be written")
          })
        })
      )
      const fn = JobFunction.make("broken", { payload: Schema.String, success: broken })
      const served = fn.toLayer((payload) => Effect.succeed(payload))
      assert.strictEqual(yield* exceptionOf(fn, "x", served), "Error: cannot be written")
    })
  )
})
