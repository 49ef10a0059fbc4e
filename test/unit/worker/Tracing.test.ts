/**
 * What can be seen of a job from outside: spans, one trace over both sides, and metrics.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as Tracer from "effect/Tracer"
import * as Client from "../../../src/protocol/Client.ts"
import * as Tracing from "../../../src/protocol/connection/Tracing.ts"
import * as JobFunction from "../../../src/protocol/JobFunction.ts"
import * as JobServer from "../../../src/protocol/JobServer.ts"
import * as MemoryNetwork from "../../../src/protocol/MemoryNetwork.ts"
import * as Network from "../../../src/protocol/Network.ts"
import * as Worker from "../../../src/protocol/Worker.ts"

const address = Network.tcp("127.0.0.1", 4730)

/** A tracer that remembers its spans. */
const recording = () => {
  const spans: Array<Tracer.Span> = []
  const tracer = Tracer.make({
    span: (options) => {
      const span = new Tracer.NativeSpan(options)
      spans.push(span)
      return span
    }
  })
  return { spans, layer: Layer.succeed(Tracer.Tracer, tracer) }
}

const world = Layer.merge(Client.layer({ servers: [address] }), Worker.layer({ servers: [address] })).pipe(
  Layer.provideMerge(JobServer.layer({ address })),
  Layer.provideMerge(MemoryNetwork.layer)
)

describe("observability", () => {
  it.effect("one trace covers caller and handler, where the function says so", () => {
    const { layer, spans } = recording()
    const traced = JobFunction.utf8("traced", { trace: true })
    return Effect.gen(function* () {
      const worker = yield* Worker.Worker
      yield* worker.register(traced, (text) => Effect.succeed(text.toUpperCase()))
      const client = yield* Client.Client
      assert.strictEqual(yield* client.run(traced, "hello"), "HELLO")
      const run = spans.find((span) => span.name === "gearman.run")!
      const handle = spans.find((span) => span.name === "gearman.handle")!
      assert.strictEqual(handle.traceId, run.traceId)
      assert.strictEqual(handle.parent._tag === "Some" && handle.parent.value.spanId, run.spanId)
      assert.strictEqual(run.attributes.get("gearman.server"), "127.0.0.1:4730")
      assert.strictEqual(run.attributes.get("gearman.handle"), handle.attributes.get("gearman.handle"))
      assert.strictEqual(run.attributes.get("gearman.attempt"), 1)
    }).pipe(Effect.scoped, Effect.provide(world), Effect.provide(layer))
  })

  it.effect("counts calls and jobs by how they ended", () =>
    Effect.gen(function* () {
      const fn = JobFunction.utf8("counted")
      const worker = yield* Worker.Worker
      yield* worker.register(fn, (text) => (text === "bad" ? Effect.fail(new Worker.JobFail()) : Effect.succeed(text)))
      const client = yield* Client.Client
      yield* client.run(fn, "good")
      yield* client.run(fn, "good")
      yield* Effect.flip(client.run(fn, "bad"))
      const count = (name: string, outcome: string) =>
        Effect.map(Metric.snapshot, (metrics) => {
          const found = metrics.find(
            (metric) =>
              metric.id === name && metric.attributes?.outcome === outcome && metric.attributes.function === "counted"
          )
          return found?.type === "Counter" ? Number(found.state.count) : 0
        })
      assert.strictEqual(yield* count("gearman_client_jobs", "success"), 2)
      assert.strictEqual(yield* count("gearman_client_jobs", "JobFailed"), 1)
      assert.strictEqual(yield* count("gearman_worker_jobs", "success"), 2)
      assert.strictEqual(yield* count("gearman_worker_jobs", "fail"), 1)
      for (const id of ["gearman_client_seconds", "gearman_worker_seconds"]) {
        const found = (yield* Metric.snapshot).find((metric) => metric.id === id)
        assert.strictEqual(found?.type === "Histogram" ? found.state.count : 0, 3, id)
      }
    }).pipe(
      Effect.scoped,
      Effect.provide(world),
      Effect.provideServiceEffect(
        Metric.MetricRegistry,
        Effect.sync(() => new Map())
      )
    )
  )

  it("takes a payload without a span as it is", () => {
    const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes)
    const bytes = (text: string) => new TextEncoder().encode(text)
    assert.strictEqual(text(Tracing.unwrap(bytes("plain")).payload), "plain")
    assert.strictEqual(text(Tracing.unwrap(bytes("two\nlines")).payload), "two\nlines")
    assert.strictEqual(text(Tracing.unwrap(bytes("\npayload")).payload), "payload")
  })

  it("refuses to compare payloads that carry spans", () => {
    assert.throws(() => JobFunction.utf8("both", { trace: true, unique: "payload" }), /unique/)
  })
})
