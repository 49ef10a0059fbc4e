/**
 * What a call can ask for beside its result: delays, hedging, retries, bounds.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as Client from "../../../src/protocol/Client.ts"
import * as JobFunction from "../../../src/protocol/JobFunction.ts"
import * as JobServer from "../../../src/protocol/JobServer.ts"
import * as MemoryNetwork from "../../../src/protocol/MemoryNetwork.ts"
import * as Network from "../../../src/protocol/Network.ts"
import * as Packet from "../../../src/protocol/Packet.ts"
import * as ServerSelection from "../../../src/protocol/ServerSelection.ts"
import * as Worker from "../../../src/protocol/Worker.ts"
import * as ScriptedServer from "../support/ScriptedServer.ts"

const one = Network.tcp("127.0.0.1", 4730)
const text = JobFunction.utf8("text")

const settle = Effect.gen(function* () {
  for (let turn = 0; turn < 100; turn++) yield* Effect.yieldNow
})

const clientLayer = (servers: ReadonlyArray<Network.Address>, options?: Partial<Client.Options>) =>
  Client.layer({ servers, selection: ServerSelection.first, ...options }).pipe(Layer.provideMerge(MemoryNetwork.layer))

/** Client, worker and job server. */
const world = Layer.merge(Client.layer({ servers: [one] }), Worker.layer({ servers: [one] })).pipe(
  Layer.provideMerge(JobServer.layer({ address: one })),
  Layer.provideMerge(MemoryNetwork.layer)
)

describe("a client's call", () => {
  it.effect("runs a background job no earlier than asked", () =>
    Effect.gen(function* () {
      const ran: Array<string> = []
      const worker = yield* Worker.Worker
      yield* worker.register(text, (payload) =>
        Effect.as(
          Effect.sync(() => ran.push(payload)),
          ""
        )
      )
      const client = yield* Client.Client
      yield* client.background(text, "later", { after: "90 seconds" })
      const handle = yield* client.background(text, "now")
      assert.match(handle.server, /:4730$/)
      yield* settle
      assert.deepStrictEqual(ran, ["now"])
      yield* TestClock.adjust("89 seconds")
      yield* settle
      assert.deepStrictEqual(ran, ["now"])
      yield* TestClock.adjust("2 seconds")
      yield* settle
      assert.deepStrictEqual(ran, ["now", "later"])
    }).pipe(Effect.scoped, Effect.provide(world))
  )

  it.effect("tells the state of a job by handle and by unique", () =>
    Effect.gen(function* () {
      const client = yield* Client.Client
      const handle = yield* client.background(text, "x", { unique: "u" })
      const queued = { known: true, running: false, numerator: 0, denominator: 0 }
      assert.deepStrictEqual(yield* client.status(handle), { ...queued, clients: undefined })
      assert.deepStrictEqual(yield* client.statusByUnique(text, "u"), { ...queued, clients: 0 })
      assert.isFalse((yield* client.statusByUnique(text, "other")).known)
    }).pipe(Effect.scoped, Effect.provide(world))
  )

  it.effect("is retried by the function's schedule while the job fails", () =>
    Effect.gen(function* () {
      let attempts = 0
      const flaky = JobFunction.utf8("flaky", { retry: Schedule.recurs(4) })
      const worker = yield* Worker.Worker
      yield* worker.register(flaky, (payload) =>
        ++attempts < 3 ? Effect.fail(new Worker.JobFail()) : Effect.succeed(payload)
      )
      const client = yield* Client.Client
      assert.strictEqual(yield* client.run(flaky, "third time"), "third time")
      assert.strictEqual(attempts, 3)
    }).pipe(Effect.scoped, Effect.provide(world))
  )

  it.effect("keeps as many unread events as it was told to", () =>
    Effect.gen(function* () {
      yield* ScriptedServer.start(one, (peer) => {
        peer.send("JOB_CREATED", { handle: "H:1" })
        for (let line = 0; line < 10; line++) peer.send("WORK_DATA", { handle: "H:1", data: String(line) })
        peer.send("WORK_COMPLETE", { handle: "H:1", data: "end" })
      })
      const client = yield* Client.Client
      const lines = (overflow: Client.Overflow) =>
        Effect.gen(function* () {
          const job = yield* client.submit(text, "x", { eventCapacity: 3, overflow })
          yield* job.await
          const events = yield* Stream.runCollect(job.events)
          return events.map((event) =>
            event._tag === "Data"
              ? Packet.toText(event.data)
              : event._tag === "Dropped"
                ? `${event.count} dropped`
                : event._tag
          )
        })
      assert.deepStrictEqual(yield* lines("dropOldest"), ["8 dropped", "7", "8", "9", "Done"])
      assert.deepStrictEqual(yield* lines("dropNewest"), ["8 dropped", "Created", "0", "1", "Done"])
    }).pipe(Effect.scoped, Effect.provide(clientLayer([one])))
  )

  it.effect("waits while too many jobs are under way, and loses none", () =>
    Effect.gen(function* () {
      let underWay = 0
      let most = 0
      const finish: Array<() => void> = []
      yield* ScriptedServer.start(one, (peer, packet) => {
        if (packet._tag !== "SUBMIT_JOB") return
        most = Math.max(most, ++underWay)
        const handle = `H:${Packet.toText(packet.workload)}`
        peer.send("JOB_CREATED", { handle })
        finish.push(() => {
          underWay--
          peer.send("WORK_COMPLETE", { handle, data: packet.workload })
        })
      })
      const client = yield* Client.Client
      const inputs = Array.from({ length: 50 }, (_, index) => String(index))
      const all = yield* Effect.forkChild(
        Effect.forEach(inputs, (input) => client.run(text, input), { concurrency: "unbounded" })
      )
      for (let round = 0; round < 30 && all.pollUnsafe() === undefined; round++) {
        yield* settle
        finish.splice(0).forEach((each) => each())
      }
      assert.deepStrictEqual(yield* Fiber.join(all), inputs)
      assert.strictEqual(most, 8)
    }).pipe(Effect.scoped, Effect.provide(clientLayer([one], { maxJobs: 8 })))
  )

  it.effect("lets further jobs in as they came, those that nobody wants any more left out, equal ones as one", () =>
    Effect.gen(function* () {
      const started: Array<string> = []
      const finish: Array<() => void> = []
      yield* ScriptedServer.start(one, (peer, packet) => {
        if (packet._tag !== "SUBMIT_JOB") return
        const handle = `H:${started.push(Packet.toText(packet.workload))}`
        peer.send("JOB_CREATED", { handle })
        finish.push(() => peer.send("WORK_COMPLETE", { handle, data: packet.workload }))
      })
      const client = yield* Client.Client
      const merged = JobFunction.utf8("merged", { unique: "payload" })
      const call = (input: string) => Effect.forkChild(client.run(merged, input), { startImmediately: true })
      const [first, second, unwanted, third, equal] = yield* Effect.all([..."12x33"].map(call))
      yield* Fiber.interrupt(unwanted!)
      while (equal!.pollUnsafe() === undefined) {
        yield* settle
        finish.shift()?.()
      }
      assert.deepStrictEqual(yield* Effect.forEach([first!, second!, third!, equal!], Fiber.join), ["1", "2", "3", "3"])
      assert.deepStrictEqual(started, ["1", "2", "3"])
    }).pipe(Effect.scoped, Effect.provide(clientLayer([one], { maxJobs: 1 })))
  )

  it.effect("leaves a job that goes on without it", () =>
    Effect.gen(function* () {
      yield* ScriptedServer.start(one, (peer) => peer.send("JOB_CREATED", { handle: "H:1" }))
      const client = yield* Client.Client
      const job = yield* client.submit(text, "x")
      const waiting = yield* Effect.forkChild(Effect.exit(job.await))
      const reading = yield* Effect.forkChild(Stream.runCollect(job.events))
      yield* settle
      yield* job.detach
      assert.strictEqual((yield* Fiber.join(waiting))._tag, "Failure")
      assert.deepStrictEqual(
        (yield* Fiber.join(reading)).map((event) => event._tag),
        ["Created"]
      )
      assert.deepStrictEqual(yield* client.echo(), new Uint8Array(0))
    }).pipe(Effect.scoped, Effect.provide(clientLayer([one])))
  )

  it.effect("shares a connection's handle where a server merges submissions over it", () =>
    Effect.gen(function* () {
      // As a job server does: one copy of each packet per submission that was merged.
      let submissions = 0
      yield* ScriptedServer.start(one, (peer) => {
        peer.send("JOB_CREATED", { handle: "H:1" })
        if (++submissions < 2) return
        for (const data of ["a", "a", "b", "b"]) peer.send("WORK_DATA", { handle: "H:1", data })
        for (const data of ["end", "end"]) peer.send("WORK_COMPLETE", { handle: "H:1", data })
      })
      const client = yield* Client.Client
      const jobs = yield* Effect.all([client.submit(text, "x"), client.submit(text, "x")], { concurrency: 2 })
      for (const job of jobs) {
        const events = yield* Stream.runCollect(job.events)
        const data = events.map((event) => (event._tag === "Data" ? Packet.toText(event.data) : event._tag))
        assert.deepStrictEqual(data, ["Created", "a", "b", "Done"])
      }
    }).pipe(Effect.scoped, Effect.provide(clientLayer([one])))
  )
})
