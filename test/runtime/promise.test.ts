/**
 * The door for programs without Effect, over real sockets.
 */
import { assert, beforeAll, afterAll, describe, it } from "vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Schema from "effect/Schema"
import { connect, GearmanError, handle, JobFunction, serve } from "../../src/promise/index.ts"
import * as JobServer from "../../src/protocol/JobServer.ts"
import * as Network from "../../src/protocol/Network.ts"
import * as NodeNetwork from "../../src/runtime/NodeNetwork.ts"

const runtime = ManagedRuntime.make(
  JobServer.layer({ address: Network.tcp("127.0.0.1", 0) }).pipe(Layer.provide(NodeNetwork.layer))
)
let server = ""

beforeAll(async () => {
  server = await runtime.runPromise(Effect.map(JobServer.JobServer, ({ address }) => Network.format(address)))
})
afterAll(() => runtime.dispose())

const count = JobFunction.make("count", {
  payload: Schema.Struct({ to: Schema.Int }),
  success: Schema.Int,
  progress: Schema.Int
})

describe("effect-gearman/promise", () => {
  it("runs jobs by name, reports errors, and closes", async () => {
    const worker = await serve({ servers: [server], concurrency: 2 }, [
      handle("reverse", async (text) => [...text].reverse().join("")),
      handle("angry", async () => {
        throw new Error("out of paper")
      })
    ])
    const client = connect({ servers: [server] })
    assert.strictEqual(await client.run("reverse", "hello"), "olleh")
    const error = await client.run("angry", "x").catch((error: unknown) => error)
    assert.instanceOf(error, GearmanError)
    assert.strictEqual(error.reason._tag, "JobException")
    assert.include(error.message, "out of paper")
    const background = await client.background("nobody serves this", "x")
    assert.isTrue((await client.status(background)).known)
    await client.close()
    await worker.close()
  })

  it("gives events as they come, and the result last", async () => {
    const worker = await serve({ servers: [server] }, [
      handle(count, async ({ to }, job) => {
        for (let at = 1; at <= to; at++) await job.progress(at, to)
        return to
      })
    ])
    const client = connect({ servers: [server] })
    const tags: Array<string> = []
    for await (const event of client.events(count, { to: 3 })) tags.push(event._tag)
    assert.deepStrictEqual(tags, ["Created", "Status", "Status", "Status", "Done"])
    await client.close()
    await worker.close()
  })

  it("stops waiting when its signal is aborted", async () => {
    const client = connect({ servers: [server] })
    const stopped = client.run("nobody", "x", { signal: AbortSignal.timeout(50) }).catch(() => "stopped")
    assert.strictEqual(await stopped, "stopped")
    await client.close()
  })
})
