/**
 * What the compiler infers for those who use the library. `npm run types` checks it.
 */
import { describe, expectTypeOf, it } from "vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import * as Client from "../../src/protocol/Client.ts"
import type { GearmanError } from "../../src/protocol/GearmanError.ts"
import { JobContext } from "../../src/protocol/JobContext.ts"
import * as JobFunction from "../../src/protocol/JobFunction.ts"
import type * as Network from "../../src/protocol/Network.ts"
import * as Worker from "../../src/protocol/Worker.ts"

class Files extends Context.Service<Files, { readonly read: (name: string) => Effect.Effect<string> }>()(
  "test/Files"
) {}

class NoSuchFile extends Schema.TaggedError<NoSuchFile>("test/NoSuchFile")("NoSuchFile", { name: Schema.String }) {}

const size = JobFunction.make("size", {
  payload: Schema.Struct({ name: Schema.String, at: Schema.Date }),
  success: Schema.Number,
  error: NoSuchFile,
  progress: Schema.String,
  unique: (payload) => payload.name
})
const text = JobFunction.utf8("text")
const raw = JobFunction.bytes("raw")

const run = <A, E>(call: (client: Client.Client["Service"]) => Effect.Effect<A, E>) =>
  Effect.flatMap(Client.Client, call)

describe("types", () => {
  it("a function's name, payload, success, error and progress", () => {
    expectTypeOf(size).toEqualTypeOf<
      JobFunction.JobFunction<"size", { readonly name: string; readonly at: Date }, number, NoSuchFile, string>
    >()
    expectTypeOf(text).toEqualTypeOf<JobFunction.JobFunction<"text", string, string>>()
    expectTypeOf(raw).toEqualTypeOf<JobFunction.JobFunction<"raw", Uint8Array, Uint8Array>>()
  })

  it("a call's result and errors", () => {
    expectTypeOf(run((client) => client.run(size, { name: "a", at: new Date(0) }))).toEqualTypeOf<
      Effect.Effect<number, GearmanError | NoSuchFile, Client.Client>
    >()
    expectTypeOf(run((client) => client.run(text, "a"))).toEqualTypeOf<
      Effect.Effect<string, GearmanError, Client.Client>
    >()
    // @ts-expect-error: the payload must be what the function takes
    const wrongStruct = run((client) => client.run(size, { name: 7 }))
    // @ts-expect-error: bytes are no text
    const wrongText = run((client) => client.run(text, new Uint8Array(0)))
    expectTypeOf([wrongStruct, wrongText]).toBeArray()
  })

  it("options that a call would not heed are no options of it", () => {
    // @ts-expect-error: a call has no events
    const noEvents = run((client) => client.run(text, "a", { eventCapacity: 1 }))
    // @ts-expect-error: a submission is listened to where it is, so it has no second server
    const noHedge = run((client) => client.submit(text, "a", { hedge: "1 second" }))
    expectTypeOf([noEvents, noHedge]).toBeArray()
  })

  it("a job's events", () => {
    expectTypeOf<Client.Job<number, NoSuchFile, string>["events"]>().toEqualTypeOf<
      Stream.Stream<Client.JobEvent<number, string>, GearmanError | NoSuchFile>
    >()
  })

  it("a handler's requirements are its layer's, without the job and the scope", () => {
    const layer = size.toLayer(({ name }) =>
      Effect.gen(function* () {
        const files = yield* Files
        const job = yield* JobContext
        yield* job.progress(1, 2)
        yield* Effect.addFinalizer(() => Effect.void)
        const content = yield* files.read(name)
        if (content === "") return yield* new NoSuchFile({ name })
        return content.length
      })
    )
    expectTypeOf(layer).toEqualTypeOf<Layer.Layer<never, never, Worker.Worker | Files>>()
    expectTypeOf(text.toLayer((payload) => Effect.succeed(payload))).toEqualTypeOf<
      Layer.Layer<never, never, Worker.Worker>
    >()
    // A handler fails only with the function's error, or with JobFail.
    type TextHandler = Parameters<typeof text.toLayer<never>>[0]
    expectTypeOf<(payload: string) => Effect.Effect<string, Worker.JobFail>>().toExtend<TextHandler>()
    expectTypeOf<(payload: string) => Effect.Effect<string, string>>().not.toExtend<TextHandler>()
    // @ts-expect-error: a handler succeeds with the function's success
    size.toLayer(() => Effect.succeed("no"))
    expectTypeOf(text.toLayer(() => Effect.fail(new Worker.JobFail()))).toEqualTypeOf<
      Layer.Layer<never, never, Worker.Worker>
    >()
  })

  it("schemas fit their wire codec", () => {
    JobFunction.make("n", { codec: "utf8", payload: Schema.NumberFromString, success: Schema.String })
    // @ts-expect-error: a number is no text
    JobFunction.make("n", { codec: "utf8", payload: Schema.Number, success: Schema.String })
  })

  it("a layer's errors and requirements", () => {
    expectTypeOf(Client.layer({ servers: [] })).toEqualTypeOf<
      Layer.Layer<Client.Client, Network.InvalidAddress, Network.Network>
    >()
    expectTypeOf(Worker.make({ servers: [] })).toEqualTypeOf<
      Effect.Effect<Worker.Worker["Service"], Network.InvalidAddress, Network.Network | Scope.Scope>
    >()
  })
})
