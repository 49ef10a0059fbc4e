/**
 * Real clients, workers and job servers in memory, in virtual time, while servers stop,
 * start, fall silent and lose connections.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import * as fc from "fast-check"
import * as Client from "../../src/protocol/Client.ts"
import * as JobFunction from "../../src/protocol/JobFunction.ts"
import * as JobServer from "../../src/protocol/JobServer.ts"
import * as MemoryNetwork from "../../src/protocol/MemoryNetwork.ts"
import * as Network from "../../src/protocol/Network.ts"
import * as Worker from "../../src/protocol/Worker.ts"

const addresses = [Network.tcp("127.0.0.1", 4730), Network.tcp("127.0.0.1", 4731)]

interface Trouble {
  readonly kind: "stop" | "reset" | "freeze"
  readonly server: number
  readonly afterMilliseconds: number
  readonly forMilliseconds: number
}

const trouble: fc.Arbitrary<Trouble> = fc.record({
  kind: fc.constantFrom("stop", "reset", "freeze"),
  server: fc.nat({ max: 1 }),
  afterMilliseconds: fc.nat({ max: 3000 }),
  forMilliseconds: fc.nat({ max: 20_000 })
})

const settle = Effect.gen(function* () {
  for (let turn = 0; turn < 30; turn++) yield* Effect.yieldNow
})

/** Time passes in small steps, so that everything that is due happens when it is. */
const pass = (milliseconds: number) =>
  Effect.gen(function* () {
    for (let left = milliseconds; left > 0; left -= 250) {
      yield* settle
      yield* TestClock.adjust(Math.min(left, 250))
    }
    yield* settle
  })

const startServer = (address: Network.Address) =>
  Effect.gen(function* () {
    const scope = yield* Scope.fork(yield* Effect.scope)
    const server = yield* Scope.provide(JobServer.listen({ address }), scope)
    const fiber = yield* Effect.forkIn(server.run, scope)
    yield* Scope.addFinalizer(scope, Fiber.interrupt(fiber))
    return scope
  })

const safe = JobFunction.utf8("safe", { idempotent: true, unique: "payload", timeout: "5 minutes" })
const risky = JobFunction.utf8("risky")

const scenario = (troubles: ReadonlyArray<Trouble>) =>
  Effect.gen(function* () {
    const { freeze, reset, thaw } = yield* MemoryNetwork.MemoryNetwork
    const servers = [yield* startServer(addresses[0]!), yield* startServer(addresses[1]!)]
    const workerScope = yield* Scope.fork(yield* Effect.scope)
    const worker = yield* Scope.provide(
      Worker.make({ servers: addresses, concurrency: 4, drainTimeout: 0 }),
      workerScope
    )
    const executions = new Map<string, number>()
    const handler = (text: string) =>
      Effect.gen(function* () {
        executions.set(text, (executions.get(text) ?? 0) + 1)
        yield* Effect.sleep("700 millis")
        return `done ${text}`
      })
    yield* Scope.provide(Effect.andThen(worker.register(safe, handler), worker.register(risky, handler)), workerScope)
    const client = yield* Client.make({ servers: addresses, noServerTimeout: "1 minute" })
    yield* settle

    const exits = yield* Effect.forkChild(
      Effect.forEach(
        Array.from({ length: 24 }, (_, index) => index),
        (index) =>
          Effect.sleep(index * 200).pipe(
            Effect.andThen(client.run(index % 2 === 0 ? safe : risky, `n${index}`)),
            Effect.result
          ),
        { concurrency: "unbounded" }
      )
    )
    for (const { afterMilliseconds, forMilliseconds, kind, server } of troubles) {
      const address = addresses[server]!
      yield* pass(afterMilliseconds)
      if (kind === "reset") yield* reset(address)
      if (kind === "freeze") {
        yield* freeze(address)
        yield* pass(forMilliseconds)
        yield* thaw(address)
      }
      if (kind === "stop") {
        yield* Scope.close(servers[server]!, Exit.void)
        yield* pass(forMilliseconds)
        servers[server] = yield* startServer(address)
      }
    }
    yield* pass(100_000)
    const ended = exits.pollUnsafe()
    assert.isDefined(ended, "every call ends once all is well again")
    const results = yield* Fiber.join(exits)
    results.forEach((result, index) => {
      const text = `n${index}`
      if (result._tag === "Success") assert.strictEqual(result.success, `done ${text}`)
      else {
        assert.strictEqual(index % 2, 1, `${text}, idempotent, ended in ${result.failure.message}`)
        assert.strictEqual(result.failure.reason._tag, "Ambiguous")
      }
    })
    yield* Scope.close(workerScope, Exit.void).pipe(Effect.forkChild)
    yield* pass(5000)
  }).pipe(Effect.scoped, Effect.provide(MemoryNetwork.layer))

describe("client and worker in trouble", () => {
  it("loses no idempotent job, and tells of every other", { timeout: 120_000 }, () =>
    fc.assert(
      fc.asyncProperty(fc.array(trouble, { minLength: 1, maxLength: 4 }), (troubles) =>
        Effect.runPromise(Effect.provide(scenario(troubles), TestClock.layer()))
      ),
      { numRuns: 12 }
    )
  )
})
