/**
 * The door for programs without Effect, over real sockets.
 */
import { assert, beforeAll, afterAll, describe, it } from "vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Schema from "effect/Schema"
import { connect, GearmanError, handle, InvalidAddress, JobFail, JobFunction, serve } from "../../src/promise/index.ts"
import * as JobServer from "../../src/protocol/JobServer.ts"
import * as Network from "../../src/protocol/Network.ts"
import { ask } from "./support.ts"
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

const careful = JobFunction.make("careful", {
  payload: Schema.String,
  success: Schema.String,
  error: Schema.Struct({ code: Schema.Int }),
  progress: Schema.String
})

const rejection = (call: Promise<unknown>): Promise<unknown> =>
  call.then(
    () => assert.fail("it did not reject"),
    (error: unknown) => error
  )

const reasonOf = (error: unknown): string | undefined => (error instanceof GearmanError ? error.reason._tag : undefined)

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
    // A worker introduces itself by host and process.
    const workers = await ask(Number(server.split(":").at(-1)), "workers")
    assert.match(workers!, new RegExp(` \\S+:${process.pid} : (?:reverse angry|angry reverse)\n`))
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

  it("stops waiting when its signal is aborted, with the signal's reason", async () => {
    const client = connect({ servers: [server] })
    const controller = new AbortController()
    const { signal } = controller
    const calls: Array<Promise<unknown>> = [
      client.run("nobody", "x", { signal }),
      (async () => {
        for await (const event of client.events("nobody", "x", { signal })) {
          assert.strictEqual(event._tag, "Created")
          controller.abort(new RangeError("enough"))
        }
      })()
    ]
    // Afterwards nothing is sent at all.
    await Promise.allSettled(calls)
    calls.push(
      client.run("nobody", "x", { signal }),
      client.echo(undefined, undefined, { signal }).then(() => {})
    )
    for (const call of calls) assert.strictEqual(await rejection(call), signal.reason)
    await client.close()
  })

  it("says so when it was closed, and what became of the jobs it waited for", async () => {
    const client = connect({ servers: [server] })
    assert.deepStrictEqual(await client.echo(server, Uint8Array.of(1)), Uint8Array.of(1))
    const accepted = client.events("nobody", "x")[Symbol.asyncIterator]()
    await accepted.next()
    const waiting = rejection(accepted.next())
    await client.close()
    const unknown = await waiting
    assert.strictEqual(reasonOf(unknown), "Ambiguous")
    assert.match(String(unknown), /the client was closed while a job of "nobody" was at/)
    for (const call of [
      client.run("reverse", "x"),
      client.background("reverse", "x"),
      client.status({ server, handle: "H:1" }),
      client.events("reverse", "x")[Symbol.asyncIterator]().next()
    ]) {
      const error = await rejection(call)
      assert.strictEqual(reasonOf(error), "ClientClosed")
      assert.match(String(error), /connect anew/)
    }
    await client.close()
  })

  it("refuses what is no function", async () => {
    const client = connect({ servers: [server] })
    for (const none of [undefined, 7, {}]) {
      assert.match(String(await rejection(client.run(none as never, "x" as never))), /by its name/)
      assert.throws(() => handle(none as never, () => ""), /by its name/)
    }
    assert.throws(() => handle("reverse", undefined as never), 'the handler of "reverse" must be a function')
    await client.close()
  })

  it("refuses a list of servers that nobody can be dialled from", async () => {
    assert.throws(
      () => connect({ servers: [] }),
      InvalidAddress,
      /no job server is given; write servers: \["host:port"/
    )
    assert.throws(() => connect({ servers: ["one:two:three"] }), InvalidAddress, /"one:two:three" is no address/)
    assert.throws(() => connect({ servers: ["host:0"] }), InvalidAddress, /port 0/)
    assert.instanceOf(await rejection(serve({ servers: [] }, [])), InvalidAddress)
  })

  it("refuses options and handlers that make no sense where they are given", async () => {
    const servers = ["127.0.0.1:4730"]
    assert.throws(() => connect({ servers, connectTimeout: -1 }), RangeError, /^connectTimeout is -1; it must be/)
    const error = await rejection(serve({ servers, drainTimeout: Number.NaN }, []))
    assert.match(String(error), /^RangeError: drainTimeout is NaN; it must be/)
    for (const handlers of ["reverse", [(text: string) => text], undefined]) {
      assert.match(String(await rejection(serve({ servers }, handlers as never))), /^TypeError: serve wants a list/)
    }
  })

  it("a handler's errors are the function's own, where its schema describes them", async () => {
    const worker = await serve({ servers: [server] }, [
      handle(careful, async (text, job) => {
        await job.report("half")
        if (text === "fail") throw new JobFail()
        throw text === "typed" ? { code: 7 } : new Error("unforeseen")
      })
    ])
    const client = connect({ servers: [server] })
    assert.deepStrictEqual(await rejection(client.run(careful, "typed")), { code: 7 })
    assert.strictEqual(reasonOf(await rejection(client.run(careful, "fail"))), "JobFailed")
    assert.match(String(await rejection(client.run(careful, "x"))), /JobException|threw: Error: unforeseen/)
    const heard: Array<unknown> = []
    try {
      for await (const event of client.events(careful, "typed")) {
        if (event._tag === "Progress") heard.push(event.value)
      }
    } catch (error) {
      heard.push(error)
    }
    assert.deepStrictEqual(heard, ["half", { code: 7 }])
    await client.close()
    await worker.close()
  })
})
