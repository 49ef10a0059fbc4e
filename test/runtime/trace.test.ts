/**
 * One trace from a client to a worker, over a job server that is a process of its own and
 * knows nothing about it: the caller's span travels before the payload.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Client from "../../src/protocol/Client.ts"
import { JobContext } from "../../src/protocol/JobContext.ts"
import * as JobFunction from "../../src/protocol/JobFunction.ts"
import * as Worker from "../../src/protocol/Worker.ts"
import * as NodeNetwork from "../../src/runtime/NodeNetwork.ts"
import { end, startServer } from "./support.ts"
import { recording } from "../unit/support/recording.ts"

const traced = JobFunction.utf8("traced", { trace: true })
const plain = JobFunction.utf8("plain")

describe("a trace", () => {
  it("goes through the wire where the function says so, and is no part of the payload", async () => {
    const server = await startServer()
    const servers = [server.address]
    const here = recording()
    const there = recording()
    const workloads: Array<string> = []
    const handler = (text: string) =>
      Effect.map(JobContext, (job) => {
        workloads.push(new TextDecoder().decode(job.workload))
        return text.toUpperCase()
      })
    const worker = Layer.mergeAll(traced.toLayer(handler), plain.toLayer(handler)).pipe(
      Layer.provide(Worker.layer({ servers })),
      Layer.provide(NodeNetwork.layer),
      Layer.provide(there.layer)
    )
    const program = Effect.gen(function* () {
      const client = yield* Client.Client
      assert.strictEqual(yield* client.run(traced, "one"), "ONE")
      assert.strictEqual(yield* client.run(plain, "two"), "TWO")
    }).pipe(
      Effect.withSpan("request"),
      Effect.provide(Client.layer({ servers }).pipe(Layer.provide(NodeNetwork.layer))),
      Effect.provide(here.layer)
    )
    await Effect.runPromise(Effect.scoped(Effect.andThen(Layer.build(worker), program)))
    await end(server)

    const request = here.spans.find(({ name }) => name === "request")!
    const [run] = here.spans.filter(({ name }) => name === "gearman.run")
    const [handle, other] = there.spans.filter(({ name }) => name === "gearman.handle")
    assert.strictEqual(handle!.traceId, request.traceId)
    assert.strictEqual(run!.traceId, request.traceId)
    assert.strictEqual(handle!.parent._tag === "Some" && handle!.parent.value.spanId, run!.spanId)
    assert.strictEqual(handle!.attributes.get("gearman.handle"), run!.attributes.get("gearman.handle"))
    assert.strictEqual(handle!.attributes.get("gearman.server"), server.address)
    assert.notStrictEqual(other!.traceId, request.traceId)
    assert.deepStrictEqual(workloads, ["one", "two"])
  })
})
