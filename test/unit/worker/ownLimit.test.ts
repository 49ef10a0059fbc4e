/**
 * Functions with a limit of their own, below the worker's: what is beyond it is left to
 * other workers, and keeps no other function from its slots.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import * as Admin from "../../../src/protocol/Admin.ts"
import * as Client from "../../../src/protocol/Client.ts"
import * as JobFunction from "../../../src/protocol/JobFunction.ts"
import * as JobServer from "../../../src/protocol/JobServer.ts"
import * as MemoryNetwork from "../../../src/protocol/MemoryNetwork.ts"
import * as Network from "../../../src/protocol/Network.ts"
import * as Packet from "../../../src/protocol/Packet.ts"
import * as Worker from "../../../src/protocol/Worker.ts"
import * as ScriptedServer from "../support/ScriptedServer.ts"

const servers = [Network.tcp("127.0.0.1", 4730)]
const limited = JobFunction.utf8("limited")
const free = JobFunction.utf8("free")

const settle = Effect.gen(function* () {
  for (let turn = 0; turn < 300; turn++) yield* Effect.yieldNow
})

const world = Layer.merge(JobServer.layer({ address: servers[0]! }), Client.layer({ servers })).pipe(
  Layer.provideMerge(MemoryNetwork.layer)
)

const workerIn = (scope: Scope.Scope, options: Partial<Worker.Options> = {}) =>
  Scope.provide(Worker.make({ servers, ...options }), scope)

/** Registers a function whose jobs take a second each. */
const slowly = (
  worker: Worker.Worker["Service"],
  fn: JobFunction.JobFunction<string, string, string>,
  options?: Worker.HandlerOptions
) => {
  const state = { running: 0, most: 0, ran: new Array<string>() }
  const handler = (text: string) =>
    Effect.gen(function* () {
      state.ran.push(text)
      state.most = Math.max(state.most, ++state.running)
      yield* Effect.sleep("1 second")
      return text
    }).pipe(Effect.ensuring(Effect.sync(() => state.running--)))
  return Effect.as(worker.register(fn, handler, options), state)
}

const submitAll = (fn: JobFunction.JobFunction<string, string, string>, count: number) =>
  Effect.flatMap(Client.Client, (client) =>
    Effect.forkChild(
      Effect.forEach(
        Array.from({ length: count }, (_, at) => `job ${at}`),
        (text) => client.run(fn, text),
        { concurrency: "unbounded" }
      )
    )
  )

/** What the server says to `workers`. */
const workersOf = Effect.scoped(
  Effect.gen(function* () {
    const socket = yield* (yield* Network.Network).connect(servers[0]!)
    const reader = yield* socket.reader
    yield* (yield* socket.writer).write(Packet.toBytes("workers\n"))
    const answer = (yield* reader.pull).map((chunk) => Packet.toText(chunk as Uint8Array)).join("")
    return Admin.parseWorkers(answer.split("\n"))
  })
)

/** Lets so many seconds pass, one by one. */
const pass = (seconds: number) =>
  Effect.repeat(Effect.andThen(TestClock.adjust("1 second"), settle), { times: seconds - 1 })

describe("a function with a limit of its own", () => {
  it.effect("at its limit leaves the other slots to other functions", () =>
    Effect.gen(function* () {
      const worker = yield* workerIn(yield* Effect.scope, { concurrency: 3 })
      const limitedState = yield* slowly(worker, limited, { concurrency: 1 })
      const freeState = yield* slowly(worker, free)
      const limitedJobs = yield* submitAll(limited, 4)
      yield* settle
      const freeJobs = yield* submitAll(free, 4)
      yield* settle
      assert.strictEqual(limitedState.running, 1)
      assert.strictEqual(freeState.running, 2)
      yield* pass(2)
      yield* Fiber.join(freeJobs)
      yield* pass(2)
      yield* Fiber.join(limitedJobs)
      assert.strictEqual(limitedState.most, 1)
    }).pipe(Effect.scoped, Effect.provide(world))
  )

  it.effect("leaves what is beyond its limit to other workers", () =>
    Effect.gen(function* () {
      const scope = yield* Effect.scope
      const first = yield* slowly(yield* workerIn(scope, { concurrency: 5, prefetch: 5 }), limited, { concurrency: 2 })
      const jobs = yield* submitAll(limited, 4)
      yield* settle
      const second = yield* slowly(yield* workerIn(scope, { concurrency: 5 }), limited, { concurrency: 2 })
      yield* settle
      assert.strictEqual(first.running, 2)
      assert.strictEqual(second.running, 2)
      yield* pass(1)
      yield* Fiber.join(jobs)
    }).pipe(Effect.scoped, Effect.provide(world))
  )

  it.effect("is never taken ahead: while no handler is free its jobs are left to other workers", () =>
    Effect.gen(function* () {
      const scope = yield* Effect.scope
      const worker = yield* workerIn(scope, { concurrency: 2, prefetch: 6, drainTimeout: 0 })
      const busy = yield* slowly(worker, free)
      yield* slowly(worker, limited, { concurrency: 1 })
      yield* settle
      yield* submitAll(free, 2)
      yield* settle
      assert.strictEqual(busy.running, 2)
      yield* submitAll(limited, 1)
      yield* settle
      const idle = yield* slowly(yield* workerIn(scope, { concurrency: 2, drainTimeout: 0 }), limited, {
        concurrency: 1
      })
      yield* settle
      assert.deepStrictEqual(idle.ran, ["job 0"])
    }).pipe(Effect.scoped, Effect.provide(world))
  )

  it.effect("gets its turn however many jobs of others wait here, and leaves them theirs", () =>
    Effect.gen(function* () {
      const worker = yield* workerIn(yield* Effect.scope, { concurrency: 2, prefetch: 6, drainTimeout: 0 })
      const others = yield* slowly(worker, free)
      const first = yield* slowly(worker, limited, { concurrency: 1 })
      const second = yield* slowly(worker, JobFunction.utf8("also limited"), { concurrency: 1 })
      yield* settle
      yield* submitAll(free, 60)
      yield* settle
      yield* submitAll(limited, 60)
      yield* submitAll(JobFunction.utf8("also limited"), 60)
      yield* settle
      yield* pass(16)
      assert.isAtLeast(others.ran.length, 10)
      assert.isAtLeast(first.ran.length, 6)
      assert.isAtLeast(second.ran.length, 6)
      assert.strictEqual(first.most, 1)
      // No handler is idle meanwhile.
      assert.strictEqual(others.ran.length + first.ran.length + second.ran.length, 34)
    }).pipe(Effect.scoped, Effect.provide(world))
  )

  it.effect("with a time limit, too, keeps nobody from taking jobs of others ahead", () =>
    Effect.gen(function* () {
      const scope = yield* Effect.scope
      const worker = yield* workerIn(scope, { concurrency: 2, prefetch: 6, drainTimeout: 0 })
      yield* slowly(worker, free)
      yield* slowly(worker, limited, { concurrency: 1, timeout: "2 seconds" })
      yield* submitAll(free, 10)
      yield* settle
      const rest = yield* slowly(yield* workerIn(scope, { concurrency: 10, drainTimeout: 0 }), free)
      yield* settle
      assert.deepStrictEqual(rest.ran, ["job 8", "job 9"])
    }).pipe(Effect.scoped, Effect.provide(world))
  )

  it.effect("a question for it that brings none, or is lost, gives its handler back", () =>
    Effect.gen(function* () {
      const network = yield* MemoryNetwork.MemoryNetwork
      const questions: Array<string> = []
      const peers = new Map<string, ScriptedServer.Peer>()
      const of = new Map<Network.Connection, string>()
      yield* ScriptedServer.start(servers[0]!, (peer, packet) => {
        if (packet._tag === "CAN_DO") {
          const fn = Packet.toText(packet.function)
          of.set(peer.connection, fn)
          peers.set(fn, peer)
        }
        if (packet._tag === "GRAB_JOB_UNIQ") questions.push(of.get(peer.connection)!)
      })
      const worker = yield* workerIn(yield* Effect.scope, { concurrency: 2, prefetch: 4, drainTimeout: 0 })
      yield* slowly(worker, limited, { concurrency: 1 })
      const state = yield* slowly(worker, free)
      yield* settle
      assert.sameMembers(questions, ["limited", "free"])
      const assign = (handle: string) =>
        peers.get("free")!.send("JOB_ASSIGN_UNIQ", { handle, function: "free", unique: "", workload: handle })
      assign("H:1")
      yield* settle
      assign("H:2")
      yield* settle
      // The second handler is kept for the answer.
      assert.deepStrictEqual(state.ran, ["H:1"])
      peers.get("limited")!.send("NO_JOB", {})
      yield* settle
      assert.deepStrictEqual(state.ran, ["H:1", "H:2"])
      yield* pass(1)
      peers.get("limited")!.send("NOOP", {})
      yield* settle
      assert.strictEqual(questions.filter((fn) => fn === "limited").length, 2)
      for (const handle of ["H:3", "H:4"]) {
        assign(handle)
        yield* settle
      }
      assert.deepStrictEqual(state.ran.slice(2), ["H:3"])
      yield* network.reset(servers[0]!)
      yield* settle
    }).pipe(Effect.scoped, Effect.provide(MemoryNetwork.layer))
  )

  it.effect("its jobs' time begins when they do", () =>
    Effect.gen(function* () {
      const worker = yield* workerIn(yield* Effect.scope, { concurrency: 20 })
      const state = yield* slowly(worker, limited, { concurrency: 1, timeout: "1500 millis" })
      const jobs = yield* submitAll(limited, 5)
      yield* settle
      yield* pass(5)
      yield* Fiber.join(jobs)
      assert.deepStrictEqual(state.ran, ["job 0", "job 1", "job 2", "job 3", "job 4"])
      assert.strictEqual(state.most, 1)
    }).pipe(Effect.scoped, Effect.provide(world))
  )

  it.effect("has connections of its own, only where the limit is below the worker's", () =>
    Effect.gen(function* () {
      const worker = yield* workerIn(yield* Effect.scope, { concurrency: 3, clientId: "me" })
      const others = yield* Scope.fork(yield* Effect.scope)
      yield* slowly(worker, limited, { concurrency: 3 })
      yield* Scope.provide(slowly(worker, free, { concurrency: 2 }), others)
      const abilities = Effect.map(workersOf, (rows) =>
        rows.filter(({ clientId }) => clientId === "me").map(({ functions }) => functions.join(" "))
      )
      yield* settle
      assert.sameMembers(yield* abilities, ["limited", "free"])
      yield* Scope.close(others, Exit.void)
      yield* settle
      assert.deepStrictEqual(yield* abilities, ["limited"])
    }).pipe(Effect.scoped, Effect.provide(world))
  )

  it.effect("is drained without a word of CANT_DO while it runs, and without a pause of the others", () =>
    Effect.gen(function* () {
      const worker = yield* workerIn(yield* Effect.scope, { concurrency: 3 })
      const own = yield* Scope.fork(yield* Effect.scope)
      const limitedState = yield* Scope.provide(slowly(worker, limited, { concurrency: 1 }), own)
      const freeState = yield* slowly(worker, free)
      const limitedJob = yield* submitAll(limited, 1)
      yield* settle
      const closing = yield* Effect.forkChild(Scope.close(own, Exit.void))
      yield* settle
      const freeJobs = yield* submitAll(free, 2)
      yield* settle
      assert.strictEqual(limitedState.running, 1)
      assert.strictEqual(freeState.running, 2)
      yield* pass(1)
      assert.deepStrictEqual(yield* Fiber.join(limitedJob), ["job 0"])
      yield* Fiber.join(freeJobs)
      yield* Fiber.join(closing)
    }).pipe(Effect.scoped, Effect.provide(world))
  )

  it.effect("what does not finish in time is handed back, whichever scope closes first", () =>
    Effect.forEach([true, false], (isWorkerFirst) =>
      Effect.gen(function* () {
        const warnings: Array<string> = []
        const logger = Logger.make(({ logLevel, message }) => {
          if (logLevel === "Warn") warnings.push(String(message))
        })
        const scope = yield* Scope.make()
        const own = yield* Scope.make()
        const worker = yield* workerIn(scope, { concurrency: 3, drainTimeout: "500 millis" })
        const first = yield* Scope.provide(slowly(worker, limited, { concurrency: 1 }), own)
        const jobs = yield* submitAll(limited, 2)
        yield* settle
        const staying = yield* workerIn(yield* Effect.scope, { concurrency: 3 })
        const second = yield* slowly(staying, limited, { concurrency: 2 })
        yield* settle
        const [one, other] = isWorkerFirst ? [scope, own] : [own, scope]
        const closing = yield* Effect.forkChild(
          Effect.andThen(Scope.close(one, Exit.void), Scope.close(other, Exit.void)).pipe(
            Effect.provide(Logger.layer([logger]))
          )
        )
        yield* settle
        yield* pass(2)
        yield* Fiber.join(closing)
        assert.deepStrictEqual(yield* Fiber.join(jobs), ["job 0", "job 1"])
        assert.deepStrictEqual(first.ran, ["job 0"])
        assert.sameMembers(second.ran, ["job 1", "job 0"])
        assert.deepStrictEqual(warnings, [])
      }).pipe(Effect.scoped, Effect.provide(world))
    )
  )

  it.effect("comes back with its server", () =>
    Effect.gen(function* () {
      const said: Array<string> = []
      let connections = 0
      yield* ScriptedServer.start(servers[0]!, (peer, packet) => {
        if (packet._tag === "CAN_DO") connections++
        if (packet._tag === "GRAB_JOB_UNIQ") peer.send("NO_JOB", {})
        if (packet._tag !== "ECHO_REQ") said.push(packet._tag)
      })
      const worker = yield* workerIn(yield* Effect.scope, { concurrency: 3 })
      yield* worker.register(limited, Effect.succeed, { concurrency: 1 })
      yield* settle
      yield* (yield* MemoryNetwork.MemoryNetwork).reset(servers[0]!)
      yield* pass(3)
      assert.strictEqual(connections, 2)
      const asked = ["SET_CLIENT_ID", "CAN_DO", "GRAB_JOB_UNIQ", "PRE_SLEEP"]
      assert.deepStrictEqual(
        said.filter((name) => name !== "SET_CLIENT_ID"),
        [...asked.slice(1), ...asked.slice(1)]
      )
    }).pipe(Effect.scoped, Effect.provide(MemoryNetwork.layer))
  )
})
