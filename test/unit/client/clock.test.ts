/**
 * The client measures waiting times on the monotonic clock: setting the wall clock
 * neither shortens nor stretches them.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as TestClock from "effect/testing/TestClock"
import * as Client from "../../../src/protocol/Client.ts"
import * as JobFunction from "../../../src/protocol/JobFunction.ts"
import * as MemoryNetwork from "../../../src/protocol/MemoryNetwork.ts"

const reverse = JobFunction.utf8("reverse")

describe("the client and the wall clock", () => {
  it.effect("gives up on absent servers in time although the wall clock was set back", () =>
    Effect.gen(function* () {
      const clock = yield* Clock.Clock
      let setBackMillis = 0
      const settable: Clock.Clock = Object.create(clock, {
        currentTimeMillisUnsafe: { value: () => clock.currentTimeMillisUnsafe() - setBackMillis }
      })
      const waiting = Effect.gen(function* () {
        const client = yield* Client.Client
        const caller = yield* Effect.forkChild(Effect.flip(client.run(reverse, "text")), { startImmediately: true })
        yield* TestClock.adjust("1 second")
        setBackMillis = 3_600_000
        yield* TestClock.adjust("10 seconds")
        assert.isDefined(caller.pollUnsafe(), "the caller still waits")
        return yield* Fiber.join(caller)
      })
      const error = yield* waiting.pipe(
        Effect.provide(
          Client.layer({ servers: ["nobody:4730"], noServerTimeout: "5 seconds" }).pipe(
            Layer.provide(MemoryNetwork.layer)
          )
        ),
        Effect.provideService(Clock.Clock, settable)
      )
      assert.strictEqual(error.reason._tag, "NoServer")
    })
  )
})
