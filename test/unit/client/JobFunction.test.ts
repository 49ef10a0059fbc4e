/**
 * How values become bytes and come back.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as fc from "fast-check"
import * as Client from "../../../src/protocol/Client.ts"
import * as Layer from "effect/Layer"
import * as JobFunction from "../../../src/protocol/JobFunction.ts"
import * as MemoryNetwork from "../../../src/protocol/MemoryNetwork.ts"
import * as Network from "../../../src/protocol/Network.ts"
import * as Packet from "../../../src/protocol/Packet.ts"
import * as ScriptedServer from "../support/ScriptedServer.ts"

const address = Network.tcp("127.0.0.1", 4730)

const rich = JobFunction.make("rich", {
  payload: Schema.Struct({ at: Schema.Date, tags: Schema.ReadonlySet(Schema.String), big: Schema.BigInt }),
  success: Schema.Struct({ bytes: Schema.Uint8Array })
})

describe("JobFunction", () => {
  it("dates, sets, big integers and bytes survive JSON", () =>
    fc.assert(
      fc.asyncProperty(
        fc.record({
          at: fc.date({ noInvalidDate: true }),
          tags: fc.array(fc.string()),
          big: fc.bigInt(),
          bytes: fc.uint8Array()
        }),
        ({ at, big, bytes, tags }) =>
          Effect.gen(function* () {
            const payload = { at, big, tags: new Set(tags) }
            const wire = yield* rich.payload.encode(payload)
            assert.deepStrictEqual(yield* rich.payload.decode(wire), payload)
            const result = yield* rich.success.decode(yield* rich.success.encode({ bytes }))
            assert.deepStrictEqual(result.bytes, bytes)
          }).pipe(Effect.runPromise)
      ),
      { numRuns: 50 }
    ))

  it("what plain JSON can tell looks like plain JSON", () =>
    Effect.gen(function* () {
      const plain = JobFunction.make("plain", {
        payload: Schema.Struct({ name: Schema.String, sizes: Schema.Array(Schema.Number) }),
        success: Schema.NullOr(Schema.Boolean)
      })
      const wire = yield* plain.payload.encode({ name: "a", sizes: [1, 2.5] })
      assert.strictEqual(Packet.toText(wire), '{"name":"a","sizes":[1,2.5]}')
      assert.isNull(yield* plain.success.decode(Packet.toBytes("null")))
    }).pipe(Effect.runPromise))

  it.effect("a result that does not fit is told as such, and names the function", () =>
    Effect.gen(function* () {
      yield* ScriptedServer.start(address, (peer) => {
        peer.send("JOB_CREATED", { handle: "H:1" })
        peer.send("WORK_COMPLETE", { handle: "H:1", data: '{"bytes":7}' })
      })
      const client = yield* Client.Client
      const error = yield* Effect.flip(client.run(rich, { at: new Date(0), tags: new Set<string>(), big: 1n }))
      assert.strictEqual(error.reason._tag, "DecodeError")
      assert.include(error.message, 'success of "rich"')
      const invalid = yield* Effect.flip(client.run(rich, { at: "no date" as never, tags: new Set<string>(), big: 1n }))
      assert.include(invalid.message, 'payload of "rich"')
    }).pipe(
      Effect.scoped,
      Effect.provide(Client.layer({ servers: [address] }).pipe(Layer.provideMerge(MemoryNetwork.layer)))
    )
  )

  it("tells those who call it from elsewhere what it promises, and what is on the wire", () => {
    class NoSuchFile extends Schema.TaggedError<NoSuchFile>("NoSuchFile")("NoSuchFile", { file: Schema.String }) {}
    const fn = JobFunction.make("resize", {
      description: "Makes an image smaller.",
      payload: Schema.Struct({ file: Schema.String, at: Schema.Date }),
      success: Schema.Void,
      error: NoSuchFile,
      unique: ({ file }) => file,
      idempotent: true,
      timeout: "30 seconds"
    })
    const { error, payload, progress, success, ...rest } = JobFunction.describe(fn)
    assert.deepStrictEqual(rest, {
      name: "resize",
      description: "Makes an image smaller.",
      codec: "json",
      unique: "derived",
      idempotent: true,
      priority: "normal",
      timeoutMillis: 30_000,
      isRetried: false,
      isTraced: false
    })
    assert.deepInclude(payload?.schema, {
      type: "object",
      required: ["file", "at"],
      properties: { file: { type: "string" }, at: { type: "string" } }
    })
    assert.deepStrictEqual(success?.schema, { type: "null" })
    assert.include(JSON.stringify(error), '"enum":["NoSuchFile"]')
    assert.isUndefined(progress)
    const raw = JobFunction.describe(JobFunction.bytes("raw"))
    assert.deepStrictEqual([raw.codec, raw.unique, raw.payload], ["bytes", "none", undefined])
    assert.deepStrictEqual(JobFunction.describe(JobFunction.utf8("text")).payload?.schema, { type: "string" })

    const page = JobFunction.toMarkdown([fn, JobFunction.bytes("raw", { unique: "payload", priority: "high" })])
    for (const line of [
      "## resize",
      "Makes an image smaller.",
      "| equal submissions | by a text made of the payload |",
      "| running it twice | does no more harm than once |",
      "| callers wait | 30000 ms |",
      '"NoSuchFile"',
      "## raw",
      "| on the wire | bytes |",
      "| priority | high |"
    ]) {
      assert.include(
        page.split("\n").map((text) => text.trim()),
        line
      )
    }
  })
})
