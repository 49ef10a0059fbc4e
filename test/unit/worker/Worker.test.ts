/**
 * Client, worker and job server together, in memory: what users see of them.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Logger from "effect/Logger"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as Client from "../../../src/protocol/Client.ts"
import * as Codec from "../../../src/protocol/Codec.ts"
import { GearmanError } from "../../../src/protocol/GearmanError.ts"
import { JobContext } from "../../../src/protocol/JobContext.ts"
import * as JobFunction from "../../../src/protocol/JobFunction.ts"
import * as JobServer from "../../../src/protocol/JobServer.ts"
import * as MemoryNetwork from "../../../src/protocol/MemoryNetwork.ts"
import * as Network from "../../../src/protocol/Network.ts"
import * as Packet from "../../../src/protocol/Packet.ts"
import * as Worker from "../../../src/protocol/Worker.ts"
import * as ScriptedServer from "../support/ScriptedServer.ts"

const one = Network.tcp("127.0.0.1", 4730)
const two = Network.tcp("127.0.0.1", 4731)

/** Starts a job server that lives as long as the returned scope. */
const startServer = (address: Network.Address) =>
  Effect.gen(function* () {
    const scope = yield* Scope.fork(yield* Effect.scope)
    const server = yield* Scope.provide(JobServer.listen({ address }), scope)
    const fiber = yield* Effect.forkIn(server.run, scope)
    yield* Scope.addFinalizer(scope, Fiber.interrupt(fiber))
    return scope
  })

const stop = (scope: Scope.Closeable) => Scope.close(scope, Exit.void)

const world = (servers: ReadonlyArray<Network.Address>, options?: Partial<Worker.Options>) =>
  Layer.mergeAll(Worker.layer({ servers, ...options }), Client.layer({ servers })).pipe(
    Layer.provideMerge(MemoryNetwork.layer)
  )

/** Lets everything that is ready run, without time passing. */
const settle = Effect.gen(function* () {
  for (let turn = 0; turn < 100; turn++) yield* Effect.yieldNow
})

/** With a server at each address; the rest of the world is built once they listen. */
const withServers = <A, E, R>(
  addresses: ReadonlyArray<Network.Address>,
  program: Effect.Effect<A, E, R | Worker.Worker | Client.Client>,
  options?: Partial<Worker.Options>
) =>
  Effect.gen(function* () {
    for (const address of addresses) yield* startServer(address)
    const worker = Worker.layer({ servers: addresses, ...options })
    return yield* Effect.provide(program, Layer.merge(worker, Client.layer({ servers: addresses })))
  }).pipe(Effect.scoped, Effect.provide(MemoryNetwork.layer))

const reverse = JobFunction.utf8("reverse")
const echoing = JobFunction.utf8("echoing", { idempotent: true })
const reversed = (text: string) => [...text].reverse().join("")

describe("Worker", () => {
  it.effect("serves a function", () =>
    withServers(
      [one],
      Effect.gen(function* () {
        const worker = yield* Worker.Worker
        yield* worker.register(reverse, (text) => Effect.succeed(reversed(text)))
        const client = yield* Client.Client
        assert.strictEqual(yield* client.run(reverse, "hello"), "olleh")
      }).pipe(Effect.scoped)
    )
  )

  it.effect("what is too large for a packet fails its job, which runs once, and costs no connection", () =>
    withServers(
      [one],
      Effect.gen(function* () {
        const worker = yield* Worker.Worker
        const client = yield* Client.Client
        const large = JobFunction.bytes("large", { idempotent: true })
        let runs = 0
        yield* worker.register(
          large,
          Effect.fnUntraced(function* (how) {
            runs++
            const bytes = new Uint8Array(Codec.defaultLimits.maxPacketBytes)
            if (how.length === 0) return bytes
            yield* (yield* JobContext).data(bytes)
            return how
          })
        )
        for (const how of [new Uint8Array(0), new Uint8Array(1)]) {
          const { reason } = yield* Effect.flip(client.run(large, how))
          assert.strictEqual(reason._tag, "JobException")
          assert.match(reason.message, /67108864 bytes do not fit in one packet/)
        }
        assert.strictEqual(runs, 2)
      }).pipe(Effect.scoped)
    )
  )

  it.effect("gets the largest job that a client may submit, although the assignment is larger still", () =>
    withServers(
      [one],
      Effect.gen(function* () {
        const worker = yield* Worker.Worker
        const client = yield* Client.Client
        const measure = JobFunction.bytes("measure")
        yield* worker.register(measure, (bytes) => Effect.succeed(Packet.toBytes(String(bytes.length))))
        const most = Codec.defaultLimits.maxPacketBytes - "measure\0\0".length
        const tooLarge = yield* Effect.flip(client.run(measure, new Uint8Array(most + 1)))
        assert.strictEqual(tooLarge.reason._tag, "InvalidRequest")
        const length = yield* client.run(measure, new Uint8Array(most))
        assert.strictEqual(Packet.toText(length), String(most))
      }).pipe(Effect.scoped)
    )
  )

  it.effect("fails a job that is too large for it, and goes on over the same connection", () =>
    Effect.gen(function* () {
      const heard: Array<string> = []
      let connections = 0
      const jobs = [new Uint8Array(Codec.defaultLimits.maxPacketBytes + 2000), Packet.toBytes("abc")]
      yield* ScriptedServer.start(one, (peer, packet) => {
        if (packet._tag === "CAN_DO") connections++
        if (packet._tag === "WORK_EXCEPTION" || packet._tag === "WORK_COMPLETE") {
          heard.push(`${Packet.toText(packet.handle)} ${Packet.toText(packet.data)}`)
        }
        if (packet._tag !== "GRAB_JOB_UNIQ") return
        const workload = jobs.shift()
        if (workload === undefined) return peer.send("NO_JOB", {})
        peer.send("JOB_ASSIGN_UNIQ", { handle: `H:${jobs.length}`, function: "reverse", unique: "", workload })
      })
      const worker = yield* Worker.Worker
      yield* worker.register(reverse, (text) => Effect.succeed(reversed(text)))
      yield* Effect.yieldNow.pipe(Effect.repeat({ until: () => heard.length === 2 }))
      assert.match(heard[0]!, /^H:1 Error: a job of 67110877 bytes is too large; this worker takes 67109888 at most$/)
      assert.strictEqual(heard[1], "H:0 cba")
      assert.strictEqual(connections, 1)
    }).pipe(Effect.scoped, Effect.provide(world([one])))
  )

  it.effect("a job whose connection is lost before its handler begins takes no slot", () =>
    Effect.gen(function* () {
      let grabs = 0
      yield* ScriptedServer.start(one, (peer, packet) => {
        if (packet._tag !== "GRAB_JOB_UNIQ" || ++grabs > 1) return
        const fields = { handle: "H:1", function: "reverse", unique: "", workload: "x" }
        // In one piece, so that the loss is noticed in the turn in which the job came.
        peer.connection.send([Codec.encode(Packet.response("JOB_ASSIGN_UNIQ", fields)), Packet.toBytes("no packet")])
      })
      const scope = yield* Scope.make()
      const worker = yield* Scope.provide(Worker.make({ servers: [one] }), scope)
      yield* Scope.provide(
        worker.register(reverse, (text) => Effect.succeed(reversed(text))),
        scope
      )
      yield* settle
      yield* TestClock.adjust("1 second")
      yield* settle
      assert.strictEqual(grabs, 2)
      const closing = yield* Effect.forkChild(Scope.close(scope, Exit.void))
      yield* settle
      yield* TestClock.adjust("1 minute")
      assert.isTrue(Exit.isSuccess(yield* Fiber.await(closing)))
    }).pipe(Effect.scoped, Effect.provide(MemoryNetwork.layer))
  )

  it.effect("serves a layer's function, with its requirements", () => {
    class Greeting extends Context.Service<Greeting, string>()("test/Greeting") {}
    const greet = JobFunction.make("greet", { payload: Schema.Struct({ name: Schema.String }), success: Schema.String })
    const handler = greet.toLayer(({ name }) => Effect.map(Greeting, (greeting) => `${greeting} ${name}`))
    return withServers(
      [one],
      Effect.gen(function* () {
        const client = yield* Client.Client
        assert.strictEqual(yield* client.run(greet, { name: "you" }), "hello you")
      }).pipe(Effect.provide(handler.pipe(Layer.provide(Layer.succeed(Greeting, "hello")))))
    )
  })

  it.effect("one execution serves a thousand callers of one unique", () =>
    withServers(
      [one],
      Effect.gen(function* () {
        let executions = 0
        const gate = yield* Deferred.make<void>()
        const slow = JobFunction.utf8("slow", { unique: (text) => text })
        const worker = yield* Worker.Worker
        yield* worker.register(slow, (text) =>
          Effect.as(
            Effect.tap(Deferred.await(gate), () => Effect.sync(() => executions++)),
            reversed(text)
          )
        )
        // Two clients of their own beside the shared one: merging is the server's doing too.
        const clients = [
          yield* Client.Client,
          yield* Client.make({ servers: [one] }),
          yield* Client.make({ servers: [one] })
        ]
        const callers = yield* Effect.forkChild(
          Effect.forEach(
            Array.from({ length: 999 }, (_, index) => clients[index % 3]!),
            (client) => client.run(slow, "same"),
            { concurrency: "unbounded" }
          )
        )
        yield* settle
        yield* Deferred.succeed(gate, undefined)
        const results = yield* Fiber.join(callers)
        assert.strictEqual(results.length, 999)
        assert.deepStrictEqual(new Set(results), new Set(["emas"]))
        assert.strictEqual(executions, 1)
      }).pipe(Effect.scoped)
    )
  )

  it.effect("refuses names that would garble what servers show", () =>
    Effect.gen(function* () {
      const exit = yield* Effect.exit(Worker.make({ servers: [one], clientId: "two words" }))
      assert.isTrue(Exit.hasDies(exit))
      const worker = yield* Worker.make({ servers: [one], clientId: "worker-1" })
      const nameless = yield* Effect.exit(worker.register(JobFunction.utf8(""), Effect.succeed))
      assert.isTrue(Exit.hasDies(nameless))
    }).pipe(Effect.scoped, Effect.provide(MemoryNetwork.layer))
  )

  it.effect("interrupts an attempt that takes too long, and the server gives the job to another try", () =>
    withServers(
      [one],
      Effect.gen(function* () {
        let attempts = 0
        const worker = yield* Worker.Worker
        yield* worker.register(reverse, (text) => (++attempts === 1 ? Effect.never : Effect.succeed(reversed(text))), {
          timeout: "2 seconds"
        })
        const client = yield* Client.Client
        const result = yield* Effect.forkChild(client.run(reverse, "hello"))
        yield* settle
        yield* TestClock.adjust("2 seconds")
        yield* settle
        yield* TestClock.adjust("2 seconds")
        assert.strictEqual(yield* Fiber.join(result), "olleh")
        assert.strictEqual(attempts, 2)
      }).pipe(Effect.scoped)
    )
  )

  it.effect("an attempt that took too long does not end the next one, which this worker has got too", () =>
    withServers(
      [one],
      Effect.gen(function* () {
        let attempts = 0
        const worker = yield* Worker.Worker
        const handler = (text: string) =>
          ++attempts === 1 ? Effect.never : Effect.as(Effect.sleep("1500 millis"), reversed(text))
        yield* worker.register(reverse, handler, { timeout: "2 seconds" })
        const client = yield* Client.Client
        const result = yield* Effect.forkChild(client.run(reverse, "hello"))
        for (let halfSeconds = 0; halfSeconds < 10; halfSeconds++) {
          yield* settle
          yield* TestClock.adjust("500 millis")
        }
        assert.strictEqual(yield* Fiber.join(result), "olleh")
        assert.strictEqual(attempts, 2)
      }).pipe(Effect.scoped),
      { concurrency: 2 }
    )
  )

  it.effect("bounds one function below the worker's own bound", () =>
    withServers(
      [one],
      Effect.gen(function* () {
        let running = 0
        let most = 0
        const worker = yield* Worker.Worker
        const handler = (text: string) =>
          Effect.suspend(() => {
            most = Math.max(most, ++running)
            return Effect.ensuring(
              Effect.delay(Effect.succeed(text), "1 second"),
              Effect.sync(() => running--)
            )
          })
        yield* worker.register(reverse, handler, { concurrency: 1 })
        const client = yield* Client.Client
        const all = yield* Effect.forkChild(
          Effect.forEach(["a", "b", "c"], (text) => client.run(reverse, text), { concurrency: 3 })
        )
        for (let second = 0; second < 3; second++) {
          yield* settle
          yield* TestClock.adjust("1 second")
        }
        yield* Fiber.join(all)
        assert.strictEqual(most, 1)
      }).pipe(Effect.scoped),
      { concurrency: 3 }
    )
  )

  it.effect("runs as many jobs at once as it has slots, and no more", () =>
    withServers(
      [one, two],
      Effect.gen(function* () {
        let running = 0
        let most = 0
        const worker = yield* Worker.Worker
        yield* worker.register(reverse, (text) =>
          Effect.gen(function* () {
            most = Math.max(most, ++running)
            yield* Effect.sleep("1 second")
            running--
            return reversed(text)
          })
        )
        const client = yield* Client.Client
        const all = yield* Effect.forkChild(
          Effect.forEach(
            Array.from({ length: 12 }, (_, index) => `n${index}`),
            (text) => client.run(reverse, text),
            {
              concurrency: "unbounded"
            }
          )
        )
        for (let second = 0; second < 4; second++) {
          yield* settle
          yield* TestClock.adjust("1 second")
        }
        assert.strictEqual((yield* Fiber.join(all)).length, 12)
        assert.strictEqual(most, 3)
      }).pipe(Effect.scoped),
      { concurrency: 3 }
    )
  )

  it.effect("tells data, warnings, progress and typed errors", () =>
    withServers(
      [one],
      Effect.gen(function* () {
        const fn = JobFunction.make("typed", {
          payload: Schema.String,
          success: Schema.Number,
          error: Schema.Struct({ code: Schema.Number }),
          progress: Schema.Struct({ line: Schema.String })
        })
        const worker = yield* Worker.Worker
        yield* worker.register(fn, (payload) =>
          Effect.gen(function* () {
            const job = yield* JobContext
            if (payload === "fail") return yield* new Worker.JobFail()
            if (payload === "error") return yield* Effect.fail({ code: 7 })
            if (payload === "die") return yield* Effect.die(new Error("out of paper"))
            yield* Effect.orDie(fn.report({ line: "first" }))
            yield* job.warning(new Uint8Array([33]))
            yield* job.progress(1, 2)
            return payload.length
          })
        )
        const client = yield* Client.Client
        const job = yield* client.submit(fn, "four")
        const events = yield* Stream.runCollect(job.events)
        assert.deepStrictEqual(events.slice(1), [
          { _tag: "Progress", value: { line: "first" } },
          { _tag: "Warning", data: new Uint8Array([33]) },
          { _tag: "Status", numerator: 1, denominator: 2 },
          { _tag: "Done", value: 4 }
        ])
        assert.deepStrictEqual(yield* Effect.flip(client.run(fn, "error")), { code: 7 })
        const failed = yield* Effect.flip(client.run(fn, "fail"))
        assert.strictEqual(failed instanceof GearmanError && failed.reason._tag, "JobFailed")
        const died = yield* Effect.flip(client.run(fn, "die"))
        assert.include(died instanceof GearmanError ? died.message : "", "out of paper")
      }).pipe(Effect.scoped)
    )
  )

  it.effect("comes back and announces again when its server restarts", () =>
    Effect.gen(function* () {
      const first = yield* startServer(one)
      const worker = yield* Worker.Worker
      yield* worker.register(reverse, (text) => Effect.succeed(reversed(text)))
      const client = yield* Client.Client
      assert.strictEqual(yield* client.run(reverse, "before"), "erofeb")
      yield* stop(first)
      yield* TestClock.adjust("3 seconds")
      yield* startServer(one)
      const after = yield* Effect.forkChild(client.run(reverse, "after"))
      yield* TestClock.adjust("5 seconds")
      assert.strictEqual(yield* Fiber.join(after), "retfa")
    }).pipe(Effect.scoped, Effect.provide(world([one])))
  )

  it.effect("says once that a server is not there, and once that it is back", () => {
    const lines: Array<string> = []
    const logger = Logger.make(({ logLevel, message }) => {
      if (logLevel === "Warn" || logLevel === "Info") lines.push(`${logLevel} ${String(message)}`)
    })
    return Effect.gen(function* () {
      const worker = yield* Worker.make({ servers: [one] })
      yield* worker.register(reverse, (text) => Effect.succeed(reversed(text)))
      yield* settle
      yield* TestClock.adjust("1 minute")
      assert.match(lines.join("\n"), /^Warn No connection: cannot connect: .+; trying again until the server is there$/)
      const server = yield* startServer(one)
      yield* TestClock.adjust("10 seconds")
      yield* settle
      assert.deepStrictEqual(lines.splice(0).slice(1), ["Info Connected"])
      yield* stop(server)
      yield* TestClock.adjust("1 minute")
      assert.match(lines.join("\n"), /^Warn The connection was lost: .+$/)
    }).pipe(Effect.scoped, Effect.provide(MemoryNetwork.layer), Effect.provide(Logger.layer([logger])))
  })

  it.effect("says that a server is not there before it has a function", () => {
    const lines: Array<string> = []
    const logger = Logger.make(({ logLevel, message }) => lines.push(`${logLevel} ${String(message)}`))
    return Effect.gen(function* () {
      yield* Worker.make({ servers: [one] })
      yield* settle
      assert.match(lines.join("\n"), /^Warn No connection: cannot connect: .+$/)
    }).pipe(Effect.scoped, Effect.provide(MemoryNetwork.layer), Effect.provide(Logger.layer([logger])))
  })

  it.effect("is back soon after a short outage, also when a long one came before", () =>
    Effect.gen(function* () {
      const worker = yield* Worker.Worker
      yield* worker.register(reverse, (text) => Effect.succeed(reversed(text)))
      const client = yield* Client.Client
      yield* TestClock.adjust("1 minute")
      const first = yield* startServer(one)
      const before = yield* Effect.forkChild(client.run(reverse, "before"))
      while (before.pollUnsafe() === undefined) yield* TestClock.adjust("100 millis")
      yield* TestClock.adjust("2 seconds")
      yield* stop(first)
      yield* TestClock.adjust("500 millis")
      yield* startServer(one)
      const after = yield* Effect.forkChild(client.run(reverse, "after"))
      yield* TestClock.adjust("1 second")
      assert.isDefined(after.pollUnsafe())
    }).pipe(Effect.scoped, Effect.provide(world([one])))
  )

  it.effect("finishes an idempotent job whose server is lost on the other one, and stops the old attempt", () =>
    Effect.gen(function* () {
      const servers = { [Network.format(one)]: yield* startServer(one), [Network.format(two)]: yield* startServer(two) }
      yield* TestClock.adjust("1 second")
      let interrupted = 0
      let started = 0
      const fn = JobFunction.utf8("fn", { idempotent: true, unique: "payload" })
      const worker = yield* Worker.Worker
      yield* worker.register(fn, (text) =>
        Effect.gen(function* () {
          if (started++ === 0) return yield* Effect.never
          return reversed(text)
        }).pipe(Effect.onInterrupt(() => Effect.sync(() => interrupted++)))
      )
      const client = yield* Client.Client
      const job = yield* client.submit(fn, "hello")
      yield* settle
      const { server } = yield* job.handle
      yield* stop(servers[server]!)
      assert.strictEqual(yield* job.await, "olleh")
      assert.notStrictEqual((yield* job.handle).server, server)
      assert.strictEqual(interrupted, 1)
    }).pipe(Effect.scoped, Effect.provide(world([one, two])))
  )

  it.effect("drains: what runs is finished and delivered, nothing new is taken", () =>
    Effect.gen(function* () {
      yield* startServer(one)
      const scope = yield* Scope.fork(yield* Effect.scope)
      const worker = yield* Scope.provide(Worker.make({ servers: [one] }), scope)
      let started = 0
      yield* Scope.provide(
        worker.register(reverse, (text) =>
          Effect.sync(() => started++).pipe(Effect.andThen(Effect.sleep("10 seconds")), Effect.as(reversed(text)))
        ),
        scope
      )
      const client = yield* Client.make({ servers: [one] })
      const first = yield* Effect.forkChild(client.run(reverse, "first"))
      const second = yield* Effect.forkChild(client.run(reverse, "second"))
      yield* settle
      const closed = yield* Effect.forkChild(stop(scope))
      yield* settle
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(yield* Fiber.join(first), "tsrif")
      yield* Fiber.join(closed)
      assert.strictEqual(started, 1)
      yield* Fiber.interrupt(second)
    }).pipe(Effect.scoped, Effect.provide(MemoryNetwork.layer))
  )

  it.effect("hands back what does not finish within the drain's deadline", () =>
    Effect.gen(function* () {
      yield* startServer(one)
      const scope = yield* Scope.fork(yield* Effect.scope)
      const client = yield* Client.make({ servers: [one] })
      const leaving = yield* Scope.provide(Worker.make({ servers: [one], drainTimeout: "5 seconds" }), scope)
      yield* Scope.provide(
        leaving.register(reverse, () => Effect.never),
        scope
      )
      const job = yield* Effect.forkChild(client.run(reverse, "hello"))
      yield* settle
      const other = yield* Worker.make({ servers: [one] })
      yield* other.register(reverse, (text) => Effect.succeed(reversed(text)))
      const closed = yield* Effect.forkChild(stop(scope))
      yield* settle
      yield* TestClock.adjust("5 seconds")
      assert.strictEqual(yield* Fiber.join(job), "olleh")
      yield* TestClock.adjust("5 seconds")
      yield* Fiber.join(closed)
    }).pipe(Effect.scoped, Effect.provide(MemoryNetwork.layer))
  )

  it.effect("hands back a job of a function that is given up, and goes on with the others", () =>
    Effect.gen(function* () {
      yield* startServer(one)
      const scope = yield* Scope.fork(yield* Effect.scope)
      const client = yield* Client.make({ servers: [one] })
      const worker = yield* Worker.make({ servers: [one], drainTimeout: "5 seconds" })
      yield* Scope.provide(
        worker.register(reverse, () => Effect.never),
        scope
      )
      yield* worker.register(echoing, (text) => Effect.succeed(`other ${text}`))
      const job = yield* Effect.forkChild(client.run(reverse, "hello"))
      yield* settle
      const taker = yield* Worker.make({ servers: [one] })
      yield* taker.register(reverse, (text) => Effect.succeed(reversed(text)))
      const closed = yield* Effect.forkChild(stop(scope))
      yield* settle
      yield* TestClock.adjust("5 seconds")
      yield* Fiber.join(closed)
      yield* settle
      assert.deepStrictEqual(job.pollUnsafe(), Exit.succeed("olleh"))
      yield* TestClock.adjust("5 seconds")
      assert.strictEqual(yield* client.run(echoing, "one"), "other one")
    }).pipe(Effect.scoped, Effect.provide(MemoryNetwork.layer))
  )

  it.effect("closes at once when the server that should confirm its results is lost", () =>
    Effect.gen(function* () {
      yield* startServer(one)
      const scope = yield* Scope.fork(yield* Effect.scope)
      const worker = yield* Scope.provide(Worker.make({ servers: [one] }), scope)
      yield* Scope.provide(
        worker.register(reverse, (text) => Effect.succeed(reversed(text))),
        scope
      )
      yield* settle
      const network = yield* MemoryNetwork.MemoryNetwork
      yield* network.freeze(one)
      const closed = yield* Effect.forkChild(stop(scope))
      yield* settle
      assert.isUndefined(closed.pollUnsafe())
      yield* network.reset(one)
      yield* network.thaw(one)
      yield* settle
      const isClosed = closed.pollUnsafe() !== undefined
      yield* TestClock.adjust("1 minute")
      assert.isTrue(isClosed)
    }).pipe(Effect.scoped, Effect.provide(MemoryNetwork.layer))
  )
})
