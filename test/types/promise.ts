/**
 * What the compiler infers for those who use the library without Effect. `npm run types`
 * checks it.
 */
import { describe, expectTypeOf, it } from "vitest"
import * as Schema from "effect/Schema"
import { connect, type Handler, handle, JobFunction, type PromiseClient } from "../../src/promise/index.ts"
import type { JobEvent } from "../../src/protocol/Client.ts"

const size = JobFunction.make("size", {
  payload: Schema.Struct({ name: Schema.String }),
  success: Schema.Number,
  error: Schema.Struct({ code: Schema.Int }),
  progress: Schema.String
})

declare const client: PromiseClient

describe("types of the Promise door", () => {
  it("a client from the options that every client takes", () => {
    expectTypeOf(connect).returns.toEqualTypeOf<PromiseClient>()
  })

  it("a function's result, and text for a mere name", () => {
    expectTypeOf(client.run(size, { name: "a" })).toEqualTypeOf<Promise<number>>()
    expectTypeOf(client.run("reverse", "a")).toEqualTypeOf<Promise<string>>()
    expectTypeOf(client.run(JobFunction.bytes("raw"), new Uint8Array(0))).toEqualTypeOf<Promise<Uint8Array>>()
    // @ts-expect-error: the payload must be what the function takes
    const wrong = client.run(size, { name: 7 })
    // @ts-expect-error: a mere name takes text
    const wrongText = client.run("reverse", 7)
    expectTypeOf([wrong, wrongText]).toBeArray()
  })

  it("a job's events", () => {
    expectTypeOf(client.events(size, { name: "a" })).toEqualTypeOf<AsyncIterable<JobEvent<number, string>>>()
  })

  it("a handler's payload, result and reports", () => {
    expectTypeOf(
      handle(size, async ({ name }, job) => {
        expectTypeOf(name).toBeString()
        expectTypeOf(job.report).parameter(0).toBeString()
        return name.length
      })
    ).toEqualTypeOf<Handler>()
    // @ts-expect-error: a handler succeeds with the function's success
    handle(size, async () => "no")
    expectTypeOf(handle("reverse", (text) => text.toUpperCase())).toEqualTypeOf<Handler>()
  })
})
