/**
 * The client against servers that do what each test says, all in memory and in
 * virtual time.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as Client from "../../../src/protocol/Client.ts"
import * as Codec from "../../../src/protocol/Codec.ts"
import type { GearmanError } from "../../../src/protocol/GearmanError.ts"
import * as JobFunction from "../../../src/protocol/JobFunction.ts"
import * as MemoryNetwork from "../../../src/protocol/MemoryNetwork.ts"
import * as Network from "../../../src/protocol/Network.ts"
import * as Packet from "../../../src/protocol/Packet.ts"
import * as ServerSelection from "../../../src/protocol/ServerSelection.ts"
import * as ScriptedServer from "../support/ScriptedServer.ts"

const one = Network.tcp("127.0.0.1", 4730)
const two = Network.tcp("127.0.0.1", 4731)

const reverse = JobFunction.utf8("reverse")
const idempotent = JobFunction.utf8("reverse", { idempotent: true })

const clientLayer = (servers: ReadonlyArray<Network.Address>, options?: Partial<Client.Options>) =>
  Client.layer({ servers, selection: ServerSelection.first, ...options }).pipe(Layer.provideMerge(MemoryNetwork.layer))

/** Completes each job with its workload, upper-cased, under handles H:1, H:2, … */
const upper = (prefix = "H"): ScriptedServer.Script => {
  let count = 0
  return (peer, packet) => {
    if (!packet._tag.startsWith("SUBMIT_JOB")) return
    const handle = `${prefix}:${++count}`
    peer.send("JOB_CREATED", { handle })
    const { workload } = packet as Packet.Packet<"SUBMIT_JOB">
    peer.send("WORK_COMPLETE", { handle, data: Packet.toText(workload).toUpperCase() })
  }
}

const reasonOf = <A, R>(effect: Effect.Effect<A, GearmanError, R>) =>
  Effect.map(Effect.flip(effect), (error) => error.reason)

/** Lets everything that is ready run, without time passing. */
const settle = Effect.gen(function* () {
  for (let turn = 0; turn < 50; turn++) yield* Effect.yieldNow
})

describe("Client", () => {
  it.effect("runs a job", () =>
    Effect.gen(function* () {
      yield* ScriptedServer.start(one, upper())
      const client = yield* Client.Client
      assert.strictEqual(yield* client.run(reverse, "hello"), "HELLO")
    }).pipe(Effect.scoped, Effect.provide(clientLayer([one])))
  )

  it.effect("matches a thousand answers in order over one connection", () =>
    Effect.gen(function* () {
      let connections = 0
      const script = upper()
      yield* ScriptedServer.start(one, (peer, packet) => {
        if (packet._tag === "SUBMIT_JOB" && Packet.toText(packet.workload) === "n0") connections++
        script(peer, packet)
      })
      const client = yield* Client.Client
      const inputs = Array.from({ length: 1000 }, (_, index) => `n${index}`)
      const results = yield* Effect.forEach(inputs, (input) => client.run(reverse, input), { concurrency: "unbounded" })
      assert.deepStrictEqual(
        results,
        inputs.map((input) => input.toUpperCase())
      )
      assert.strictEqual(connections, 1)
    }).pipe(Effect.scoped, Effect.provide(clientLayer([one])))
  )

  it.effect("sends equal concurrent calls once, and each gets the result", () =>
    Effect.gen(function* () {
      let submissions = 0
      const script = upper()
      yield* ScriptedServer.start(one, (peer, packet) => {
        submissions++
        script(peer, packet)
      })
      const client = yield* Client.Client
      const merged = JobFunction.utf8("merged", { unique: "payload" })
      const results = yield* Effect.all(
        Array.from({ length: 1000 }, () => client.run(merged, "same")),
        { concurrency: "unbounded" }
      )
      assert.deepStrictEqual(new Set(results), new Set(["SAME"]))
      assert.strictEqual(results.length, 1000)
      assert.strictEqual(submissions, 1)
      assert.strictEqual(yield* client.run(merged, "same"), "SAME")
      assert.strictEqual(submissions, 2)
    }).pipe(Effect.scoped, Effect.provide(clientLayer([one])))
  )

  it.effect("moves what was never sent to the next server", () =>
    Effect.gen(function* () {
      yield* ScriptedServer.start(two, upper())
      const client = yield* Client.Client
      assert.strictEqual(yield* client.run(reverse, "hello"), "HELLO")
    }).pipe(Effect.scoped, Effect.provide(clientLayer([one, two])))
  )

  it.effect("resubmits an idempotent job when its server is lost", () =>
    Effect.gen(function* () {
      const { reset } = yield* MemoryNetwork.MemoryNetwork
      yield* ScriptedServer.start(one, (peer) => peer.send("JOB_CREATED", { handle: "H:one:1" }))
      yield* ScriptedServer.start(two, upper("T"))
      const client = yield* Client.Client
      const job = yield* client.submit(idempotent, "hello")
      assert.deepStrictEqual(yield* job.handle, { server: "127.0.0.1:4730", handle: "H:one:1" })
      yield* reset(one)
      assert.strictEqual(yield* job.await, "HELLO")
      assert.deepStrictEqual(yield* job.handle, { server: "127.0.0.1:4731", handle: "T:1" })
    }).pipe(Effect.scoped, Effect.provide(clientLayer([one, two])))
  )

  it.effect("tells the caller of another job that the outcome is unknown", () =>
    Effect.gen(function* () {
      const { reset } = yield* MemoryNetwork.MemoryNetwork
      yield* ScriptedServer.start(one, (peer) => peer.send("JOB_CREATED", { handle: "H:1" }))
      yield* ScriptedServer.start(two, upper())
      const client = yield* Client.Client
      const job = yield* client.submit(reverse, "hello")
      yield* reset(one)
      const reason = yield* reasonOf(job.await)
      assert.strictEqual(reason._tag, "Ambiguous")
      assert.include(reason.message, "127.0.0.1:4730")
    }).pipe(Effect.scoped, Effect.provide(clientLayer([one, two])))
  )

  it.effect("is as unsure about a job that was sent and not acknowledged", () =>
    Effect.gen(function* () {
      const { reset } = yield* MemoryNetwork.MemoryNetwork
      let received = 0
      yield* ScriptedServer.start(one, () => received++)
      const client = yield* Client.Client
      const background = yield* Effect.forkChild(reasonOf(client.background(reverse, "hello")))
      const foreground = yield* Effect.forkChild(reasonOf(client.run(reverse, "hello")))
      yield* settle
      assert.strictEqual(received, 2)
      yield* reset(one)
      assert.strictEqual((yield* Fiber.join(background))._tag, "Ambiguous")
      assert.strictEqual((yield* Fiber.join(foreground))._tag, "Ambiguous")
    }).pipe(Effect.scoped, Effect.provide(clientLayer([one])))
  )

  it.effect("waits for a server to come back, then says which were tried", () =>
    Effect.gen(function* () {
      const client = yield* Client.Client
      const failing = yield* Effect.forkChild(Effect.flip(client.run(reverse, "hello")))
      yield* TestClock.adjust("6 seconds")
      const { cause, reason } = yield* Fiber.join(failing)
      assert.strictEqual(reason._tag, "NoServer")
      assert.instanceOf(cause, Error)
      assert.include(reason.message, "127.0.0.1:4730")
      assert.include(reason.message, "refused")
      const waiting = yield* Effect.forkChild(client.run(reverse, "hello"))
      yield* settle
      yield* ScriptedServer.start(one, upper())
      yield* TestClock.adjust("5 seconds")
      assert.strictEqual(yield* Fiber.join(waiting), "HELLO")
    }).pipe(Effect.scoped, Effect.provide(clientLayer([one])))
  )

  it.effect("who joins an equal call that waits for a server waits as long as any other", () =>
    Effect.gen(function* () {
      const client = yield* Client.Client
      const merged = JobFunction.utf8("merged", { unique: "payload" })
      const call = Effect.forkChild(reasonOf(client.run(merged, "x")))
      const first = yield* call
      yield* TestClock.adjust("4 seconds")
      const second = yield* call
      yield* settle
      yield* TestClock.adjust("1 second")
      assert.strictEqual((yield* Fiber.join(first))._tag, "NoServer")
      yield* TestClock.adjust("3900 millis")
      assert.isUndefined(second.pollUnsafe())
      yield* TestClock.adjust("100 millis")
      assert.strictEqual((yield* Fiber.join(second))._tag, "NoServer")
      // One that waits when a server comes is served, whoever has given up before.
      const third = yield* Effect.forkChild(client.run(merged, "x"))
      yield* TestClock.adjust("4 seconds")
      const fourth = yield* Effect.forkChild(client.run(merged, "x"))
      yield* settle
      yield* TestClock.adjust("1 second")
      yield* ScriptedServer.start(one, (peer) => {
        peer.send("JOB_CREATED", { handle: "H:1" })
        peer.send("WORK_COMPLETE", { handle: "H:1", data: "y" })
      })
      yield* TestClock.adjust("3 seconds")
      assert.isTrue(Exit.isFailure(yield* Fiber.await(third)))
      assert.strictEqual(yield* Fiber.join(fourth), "y")
    }).pipe(Effect.scoped, Effect.provide(clientLayer([one])))
  )

  it.effect("of equal calls whose servers are lost, each waits as long as its own deadline allows", () =>
    Effect.gen(function* () {
      const client = yield* Client.Client
      const shared = JobFunction.utf8("shared", { unique: "payload", idempotent: true })
      const call = (payload: string, timeout?: "20 seconds" | "Infinity") =>
        Effect.forkChild(Effect.flip(client.run(shared, payload, { timeout })))
      const server = yield* Effect.forkChild(
        Effect.scoped(
          Effect.andThen(
            ScriptedServer.start(one, (peer) => peer.send("JOB_CREATED", { handle: "H:1" })),
            Effect.never
          )
        )
      )
      yield* settle
      const patientOfA = yield* call("a", "20 seconds")
      const otherOfA = yield* call("a")
      const otherOfB = yield* call("b", "Infinity")
      const patientOfB = yield* call("b", "20 seconds")
      yield* settle
      yield* Fiber.interrupt(server)
      yield* TestClock.adjust("6 seconds")
      yield* settle
      for (const other of [otherOfA, otherOfB]) assert.strictEqual((yield* Fiber.join(other)).reason._tag, "Ambiguous")
      for (const patient of [patientOfA, patientOfB]) assert.isUndefined(patient.pollUnsafe())
      yield* TestClock.adjust("14 seconds")
      for (const patient of [patientOfA, patientOfB]) {
        assert.strictEqual((yield* Fiber.join(patient)).reason._tag, "Timeout")
      }
    }).pipe(Effect.scoped, Effect.provide(clientLayer([one])))
  )

  it.effect("notices a half-open connection by its probes", () =>
    Effect.gen(function* () {
      const { freeze } = yield* MemoryNetwork.MemoryNetwork
      yield* ScriptedServer.start(one, (peer) => peer.send("JOB_CREATED", { handle: "H:1" }))
      yield* ScriptedServer.start(two, upper())
      const client = yield* Client.Client
      const job = yield* client.submit(idempotent, "hello")
      yield* freeze(one)
      yield* TestClock.adjust("25 seconds")
      assert.strictEqual(yield* job.await, "HELLO")
    }).pipe(Effect.scoped, Effect.provide(clientLayer([one, two])))
  )

  it.effect("sends nothing more to a server that is late with its answer, as long as there is another", () =>
    Effect.gen(function* () {
      const { freeze, thaw } = yield* MemoryNetwork.MemoryNetwork
      yield* ScriptedServer.start(one, upper("H"))
      yield* ScriptedServer.start(two, upper("T"))
      const client = yield* Client.Client
      const serverOf = (payload: string) => Effect.flatMap(client.submit(reverse, payload), (job) => job.handle)
      assert.strictEqual((yield* serverOf("a")).server, "127.0.0.1:4730")
      yield* freeze(one)
      const late = yield* Effect.forkChild(client.run(reverse, "b"))
      yield* TestClock.adjust("2 seconds")
      assert.strictEqual((yield* serverOf("c")).server, "127.0.0.1:4731")
      assert.isUndefined(late.pollUnsafe())
      yield* thaw(one)
      assert.strictEqual(yield* Fiber.join(late), "B")
      assert.strictEqual((yield* serverOf("d")).server, "127.0.0.1:4730")
    }).pipe(Effect.scoped, Effect.provide(clientLayer([one, two])))
  )

  it.effect("interrupting a caller leaves the others merged with it", () =>
    Effect.gen(function* () {
      let finish = () => {}
      yield* ScriptedServer.start(one, (peer) => {
        peer.send("JOB_CREATED", { handle: "H:1" })
        finish = () => peer.send("WORK_COMPLETE", { handle: "H:1", data: "done" })
      })
      const client = yield* Client.Client
      const merged = JobFunction.utf8("merged", { unique: "payload" })
      const first = yield* Effect.forkChild(client.run(merged, "same"))
      const second = yield* Effect.forkChild(client.run(merged, "same"))
      yield* settle
      yield* Fiber.interrupt(first)
      finish()
      assert.strictEqual(yield* Fiber.join(second), "done")
    }).pipe(Effect.scoped, Effect.provide(clientLayer([one])))
  )

  it.effect("gives data, warnings and progress in order, then the result", () =>
    Effect.gen(function* () {
      yield* ScriptedServer.start(one, (peer) => {
        peer.send("JOB_CREATED", { handle: "H:1" })
        peer.send("WORK_DATA", { handle: "H:1", data: "1" })
        peer.send("WORK_WARNING", { handle: "H:1", data: "careful" })
        peer.send("WORK_STATUS", { handle: "H:1", numerator: "1", denominator: "2" })
        peer.send("WORK_COMPLETE", { handle: "H:1", data: "end" })
      })
      const client = yield* Client.Client
      const counted = JobFunction.make("counted", {
        payload: Schema.String,
        success: Schema.String,
        progress: Schema.NumberFromString,
        codec: "utf8"
      })
      const job = yield* client.submit(counted, "x")
      const events = yield* Stream.runCollect(job.events)
      assert.deepStrictEqual(
        events.map((event) => event._tag),
        ["Created", "Progress", "Warning", "Status", "Done"]
      )
      assert.deepStrictEqual(events[1], { _tag: "Progress", value: 1 })
      assert.deepStrictEqual(events[3], { _tag: "Status", numerator: 1, denominator: 2 })
      assert.deepStrictEqual(events[4], { _tag: "Done", value: "end" })
    }).pipe(Effect.scoped, Effect.provide(clientLayer([one])))
  )

  it.effect("tells failures, exceptions and refusals apart", () =>
    Effect.gen(function* () {
      yield* ScriptedServer.start(one, (peer, packet) => {
        if (packet._tag !== "SUBMIT_JOB") return
        const workload = Packet.toText(packet.workload)
        if (workload === '"refuse"') return peer.send("ERROR", { code: "QUEUE_ERROR", text: "Job queue is full" })
        peer.send("JOB_CREATED", { handle: "H:1" })
        // As gearmand 1.1 does: the handle of a WORK_FAIL ends in a NUL.
        if (workload === '"fail"') peer.send("WORK_FAIL", { handle: "H:1\0" })
        else peer.send("WORK_EXCEPTION", { handle: "H:1", data: workload.slice(1, -1).replaceAll("'", '"') })
      })
      const client = yield* Client.Client
      const fn = JobFunction.make("typed", {
        payload: Schema.String,
        success: Schema.String,
        error: Schema.Struct({ code: Schema.Number })
      })
      const run = (payload: string) => Effect.flip(client.run(fn, payload))
      const tag = (error: GearmanError | { readonly code: number }) => ("reason" in error ? error.reason._tag : error)
      assert.strictEqual(tag(yield* run("refuse")), "Refused")
      assert.strictEqual(tag(yield* run("fail")), "JobFailed")
      assert.deepStrictEqual(tag(yield* run("{'code':7}")), { code: 7 })
      const untyped = yield* run("out of paper")
      assert.strictEqual(tag(untyped), "JobException")
      assert.include((untyped as GearmanError).message, "out of paper")
    }).pipe(Effect.scoped, Effect.provide(clientLayer([one])))
  )

  it.effect("a result that is too large for it costs its own job, and no other of the connection", () =>
    Effect.gen(function* () {
      let jobs = 0
      yield* ScriptedServer.start(one, (peer, packet) => {
        if (packet._tag !== "SUBMIT_JOB") return
        const handle = `H:${++jobs}`
        peer.send("JOB_CREATED", { handle })
        if (jobs < 3) return
        const data = new Uint8Array(Codec.defaultLimits.maxPacketBytes + 2000)
        peer.send("WORK_COMPLETE", { handle: "H:1", data })
        peer.send("WORK_DATA", { handle: "H:2", data })
        peer.send("WORK_COMPLETE", { handle: "H:2", data: "late" })
        peer.send("WORK_COMPLETE", { handle, data: "small" })
      })
      const client = yield* Client.Client
      const large = yield* Effect.forkChild(reasonOf(client.run(idempotent, "result")))
      const talkative = yield* Effect.forkChild(reasonOf(client.run(idempotent, "data")))
      yield* settle
      assert.strictEqual(yield* client.run(reverse, "x"), "small")
      for (const [fiber, what] of [
        [large, "success"],
        [talkative, "progress"]
      ] as const) {
        const reason = yield* Fiber.join(fiber)
        assert.strictEqual(reason._tag === "DecodeError" && reason.what, what)
        assert.match(reason.message, /67110868 bytes; this client takes 67109888 at most/)
      }
      assert.strictEqual(jobs, 3)
    }).pipe(Effect.scoped, Effect.provide(clientLayer([one])))
  )

  it.effect("ends in Timeout after the time given, and hears no late result", () =>
    Effect.gen(function* () {
      yield* ScriptedServer.start(one, (peer) => peer.send("JOB_CREATED", { handle: "H:1" }))
      const client = yield* Client.Client
      const slow = JobFunction.utf8("slow", { timeout: "2 seconds" })
      const run = yield* Effect.forkChild(reasonOf(client.run(slow, "x")))
      const job = yield* client.submit(slow, "x")
      const awaited = yield* Effect.forkChild(reasonOf(job.await))
      yield* TestClock.adjust("2 seconds")
      assert.strictEqual((yield* Fiber.join(run)).message, '"slow" did not finish within 2000 ms')
      assert.strictEqual((yield* Fiber.join(awaited))._tag, "Timeout")
    }).pipe(Effect.scoped, Effect.provide(clientLayer([one])))
  )

  it.effect("counts the time until a server has accepted the job, too", () =>
    Effect.gen(function* () {
      let accept = () => {}
      yield* ScriptedServer.start(one, (peer) => {
        accept = () => peer.send("JOB_CREATED", { handle: "H:1" })
      })
      const client = yield* Client.Client
      const submitting = yield* Effect.forkChild(client.submit(reverse, "x", { timeout: "10 seconds" }))
      yield* settle
      yield* TestClock.adjust("4 seconds")
      accept()
      const job = yield* Fiber.join(submitting)
      const awaited = yield* Effect.forkChild(reasonOf(job.await))
      yield* TestClock.adjust("5999 millis")
      assert.isUndefined(awaited.pollUnsafe())
      yield* TestClock.adjust("1 millis")
      assert.strictEqual((yield* Fiber.join(awaited))._tag, "Timeout")
    }).pipe(Effect.scoped, Effect.provide(clientLayer([one])))
  )

  it.effect("refuses what would break the connection, before anything is sent", () =>
    Effect.gen(function* () {
      const client = yield* Client.Client
      const refused = (fn: JobFunction.JobFunction<string, string, string>, options?: Client.RunOptions) =>
        reasonOf(client.run(fn, "x", options))
      assert.strictEqual((yield* refused(JobFunction.utf8("")))._tag, "InvalidRequest")
      assert.strictEqual((yield* refused(JobFunction.utf8("a\0b")))._tag, "InvalidRequest")
      assert.strictEqual((yield* refused(JobFunction.utf8("a".repeat(513))))._tag, "InvalidRequest")
      assert.strictEqual((yield* refused(reverse, { unique: "u".repeat(64) }))._tag, "InvalidRequest")
      assert.strictEqual((yield* reasonOf(client.status({ server: "h:1", handle: "H:1" })))._tag, "InvalidRequest")
    }).pipe(Effect.scoped, Effect.provide(clientLayer([one])))
  )

  it.effect("asks whether any server is there until one answers, and names all when none does", () =>
    Effect.gen(function* () {
      const client = yield* Client.Client
      const questions: ReadonlyArray<Effect.Effect<unknown, GearmanError>> = [
        client.echo(),
        client.statusByUnique(reverse, "u")
      ]
      for (const question of questions) {
        const { cause, reason } = yield* Effect.flip(question)
        assert.deepStrictEqual(reason._tag === "NoServer" && reason.servers.map(({ server }) => server).toSorted(), [
          "127.0.0.1:4730",
          "127.0.0.1:4731"
        ])
        assert.instanceOf(cause, Error)
      }
      yield* ScriptedServer.start(two, () => {})
      const another = yield* Client.make({ servers: [one, two] })
      assert.deepStrictEqual(yield* another.echo(undefined, Uint8Array.of(7)), Uint8Array.of(7))
    }).pipe(Effect.scoped, Effect.provide(clientLayer([one, two])))
  )

  it.effect("asks for the state of a job, and whether a server is there", () =>
    Effect.gen(function* () {
      yield* ScriptedServer.start(one, (peer, packet) => {
        if (packet._tag === "GET_STATUS") {
          const known = { known: "1", running: "1", numerator: "3", denominator: "4" }
          peer.send("STATUS_RES", { handle: packet.handle, ...known })
        }
        if (packet._tag === "GET_STATUS_UNIQUE") {
          const unknown = { known: "0", running: "0", numerator: "0", denominator: "0", clients: "0" }
          peer.send("STATUS_RES_UNIQUE", { unique: packet.unique, ...unknown })
        }
      })
      const client = yield* Client.Client
      const status = yield* client.status({ server: "127.0.0.1", handle: "H:1" })
      assert.deepStrictEqual(status, { known: true, running: true, numerator: 3, denominator: 4, clients: undefined })
      assert.isFalse((yield* client.statusByUnique(reverse, "u")).known)
      assert.deepStrictEqual(yield* client.echo("127.0.0.1", Uint8Array.of(1, 0, 2)), Uint8Array.of(1, 0, 2))
      const reason = yield* reasonOf(client.echo("elsewhere:1"))
      assert.strictEqual(reason._tag, "InvalidRequest")
    }).pipe(Effect.scoped, Effect.provide(clientLayer([one])))
  )
})
