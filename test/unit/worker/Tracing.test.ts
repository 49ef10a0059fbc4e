/**
 * What can be seen of a job from outside: spans, one trace over both sides, and metrics.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as Schedule from "effect/Schedule"
import * as Client from "../../../src/protocol/Client.ts"
import * as Tracing from "../../../src/protocol/connection/Tracing.ts"
import * as JobFunction from "../../../src/protocol/JobFunction.ts"
import * as JobServer from "../../../src/protocol/JobServer.ts"
import * as MemoryNetwork from "../../../src/protocol/MemoryNetwork.ts"
import * as Network from "../../../src/protocol/Network.ts"
import * as ServerSelection from "../../../src/protocol/ServerSelection.ts"
import * as Worker from "../../../src/protocol/Worker.ts"
import * as ScriptedServer from "../support/ScriptedServer.ts"
import { recording } from "../support/recording.ts"

const address = Network.tcp("127.0.0.1", 4730)

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

  it.effect("each attempt has its own span, those of retries too", () => {
    const { layer, spans } = recording()
    const first = Network.tcp("127.0.0.1", 4731)
    const second = Network.tcp("127.0.0.1", 4732)
    const client = Client.layer({ servers: [first, second], selection: ServerSelection.first })
    const fn = JobFunction.utf8("tried", { idempotent: true, retry: Schedule.recurs(1) })
    return Effect.gen(function* () {
      yield* ScriptedServer.start(first, (peer, packet) => {
        if (packet._tag !== "SUBMIT_JOB") return
        peer.send("JOB_CREATED", { handle: "H:one:1" })
        peer.connection.end()
      })
      let jobs = 0
      yield* ScriptedServer.start(second, (peer, packet) => {
        if (packet._tag !== "SUBMIT_JOB") return
        const handle = `H:two:${++jobs}`
        peer.send("JOB_CREATED", { handle })
        if (jobs === 1) peer.send("WORK_FAIL", { handle })
        else peer.send("WORK_COMPLETE", { handle, data: "done" })
      })
      const client = yield* Client.Client
      assert.strictEqual(yield* client.run(fn, "x"), "done")
      const run = spans.find((span) => span.name === "gearman.run")!
      const seen = spans
        .filter((span) => span.name === "gearman.attempt")
        .map(({ attributes, parent, status }) => [
          attributes.get("gearman.attempt"),
          attributes.get("gearman.handle"),
          attributes.get("gearman.server"),
          attributes.get("gearman.function"),
          parent._tag === "Some" && parent.value.spanId === run.spanId,
          status._tag === "Ended" && status.exit._tag
        ])
      assert.deepStrictEqual(seen, [
        [1, "H:one:1", "127.0.0.1:4731", "tried", true, "Failure"],
        [2, "H:two:1", "127.0.0.1:4732", "tried", true, "Failure"],
        [3, "H:two:2", "127.0.0.1:4732", "tried", true, "Success"]
      ])
      assert.strictEqual(run.attributes.get("gearman.attempt"), 3)
    }).pipe(Effect.scoped, Effect.provide(client.pipe(Layer.provideMerge(MemoryNetwork.layer))), Effect.provide(layer))
  })

  it.effect("each attempt of a submission has its own span, until the job ends or its caller leaves", () => {
    const { layer, spans } = recording()
    const [first, second] = [Network.tcp("127.0.0.1", 4731), Network.tcp("127.0.0.1", 4732)]
    const client = Client.layer({ servers: [first, second], selection: ServerSelection.first })
    const fn = JobFunction.utf8("tried", { idempotent: true })
    return Effect.gen(function* () {
      const wires = yield* MemoryNetwork.MemoryNetwork
      for (const address of [first, second]) {
        let jobs = 0
        yield* ScriptedServer.start(address, (peer, packet) => {
          if (packet._tag === "GET_STATUS") peer.send("WORK_COMPLETE", { handle: "H:1", data: "done" })
          else if (packet._tag === "SUBMIT_JOB") peer.send("JOB_CREATED", { handle: `H:${++jobs}` })
        })
      }
      const { status, submit } = yield* Client.Client
      const job = yield* submit(fn, "x")
      yield* wires.reset(first)
      while ((yield* job.handle).server === "127.0.0.1:4731") yield* Effect.yieldNow
      const left = yield* submit(fn, "y")
      yield* left.detach
      yield* Effect.forkChild(Effect.ignore(status(yield* job.handle)))
      assert.strictEqual(yield* job.await, "done")
      const submits = spans.filter((span) => span.name === "gearman.submit")
      const seen = spans
        .filter((span) => span.name === "gearman.attempt")
        .map(({ attributes, parent, status }) => [
          attributes.get("gearman.attempt"),
          attributes.get("gearman.server"),
          submits.findIndex(({ spanId }) => parent._tag === "Some" && parent.value.spanId === spanId),
          status._tag === "Ended" && status.exit._tag
        ])
      assert.deepStrictEqual(seen, [
        [1, "127.0.0.1:4731", 0, "Failure"],
        [2, "127.0.0.1:4732", 0, "Success"],
        [1, "127.0.0.1:4732", 1, "Failure"]
      ])
    }).pipe(Effect.scoped, Effect.provide(client.pipe(Layer.provideMerge(MemoryNetwork.layer))), Effect.provide(layer))
  })

  it.effect("submissions say where the job is", () => {
    const { layer, spans } = recording()
    const fn = JobFunction.utf8("placed", { timeout: "1 second" })
    return Effect.gen(function* () {
      const client = yield* Client.Client
      const job = yield* client.submit(fn, "x")
      const { handle } = yield* client.background(fn, "x")
      const handles = [(yield* job.handle).handle, handle]
      for (const [at, name] of ["gearman.submit", "gearman.background"].entries()) {
        const { attributes } = spans.find((span) => span.name === name)!
        assert.strictEqual(attributes.get("gearman.handle"), handles[at])
        assert.strictEqual(attributes.get("gearman.server"), "127.0.0.1:4730")
      }
    }).pipe(Effect.scoped, Effect.provide(world), Effect.provide(layer))
  })

  it.effect("a handler's own spans belong to the caller's trace, whether ours are recorded or not", () => {
    const traced = JobFunction.utf8("traced", { trace: true })
    return Effect.gen(function* () {
      const worker = yield* Worker.Worker
      yield* worker.register(traced, () =>
        Effect.map(Effect.orDie(Effect.withSpan(Effect.currentSpan, "own")), (span) => span.traceId)
      )
      const client = yield* Client.Client
      const caller = Effect.gen(function* () {
        assert.strictEqual(yield* client.run(traced, ""), (yield* Effect.currentSpan).traceId)
      })
      yield* Effect.orDie(Effect.withSpan(caller, "caller"))
    }).pipe(Effect.scoped, Effect.provide(world))
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
