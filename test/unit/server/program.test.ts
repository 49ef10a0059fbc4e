/** The program around the state machine: connections, batches, time, shutdown. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import type * as Socket from "effect/socket/Socket"
import * as TestClock from "effect/testing/TestClock"
import * as Codec from "../../../src/protocol/Codec.ts"
import * as JobServer from "../../../src/protocol/JobServer.ts"
import * as MemoryNetwork from "../../../src/protocol/MemoryNetwork.ts"
import * as Network from "../../../src/protocol/Network.ts"
import * as Packet from "../../../src/protocol/Packet.ts"
import { rawPacket } from "./harness.ts"

interface Dialled {
  readonly write: (...chunks: ReadonlyArray<Uint8Array>) => Effect.Effect<void, Socket.SocketError>
  /** The next bytes, as latin-1. */
  readonly read: Effect.Effect<string, Socket.SocketError>
}

const dial = (address: Network.Address): Effect.Effect<Dialled, Socket.SocketError, Network.Network | Scope.Scope> =>
  Effect.gen(function* () {
    const network = yield* Network.Network
    const socket = yield* network.connect(address)
    const reader = yield* socket.reader
    const writer = yield* socket.writer
    return {
      write: (...chunks) => writer.writeAll(chunks as [Uint8Array, ...Array<Uint8Array>]),
      read: Effect.map(reader.pull, (chunks) =>
        chunks.map((chunk) => (typeof chunk === "string" ? chunk : Codec.latin1(chunk))).join("")
      )
    }
  })

const text = Codec.fromLatin1

const request = <N extends Packet.Name>(name: N, fields: { readonly [F in Packet.Field<N>]: Packet.FieldInput }) =>
  Codec.encode(Packet.request(name, fields))

const address = Network.tcp("127.0.0.1", 4730)

describe("JobServer", () => {
  it.effect("answers a batch in order, and closes a connection that makes no sense", () =>
    Effect.gen(function* () {
      const server = yield* JobServer.JobServer
      const client = yield* dial(server.address)
      yield* client.write(text("version\n"), rawPacket(16, "x"), rawPacket(99, ""), rawPacket(16, "y"))
      let answer = ""
      const error = yield* Effect.flip(Effect.forever(Effect.map(client.read, (more) => void (answer += more))))
      assert.strictEqual(answer, "OK test\n\0RES\0\0\0\x11\0\0\0\x01x")
      assert.strictEqual(error._tag, "SocketError")
      assert.deepStrictEqual(server.core.violations(), [])
      assert.strictEqual(server.core.sessions.size, 0)
    }).pipe(Effect.provide(JobServer.layer({ version: "test" }).pipe(Layer.provideMerge(MemoryNetwork.layer))))
  )

  it.effect("wakes workers when time has passed, for scheduled jobs and for lost attempts", () =>
    Effect.gen(function* () {
      const server = yield* JobServer.JobServer
      const [client, worker, other] = [yield* dial(address), yield* dial(address), yield* dial(address)]
      yield* worker.write(request("CAN_DO_TIMEOUT", { function: "f", timeout: "2000" }), request("PRE_SLEEP", {}))
      yield* other.write(request("CAN_DO", { function: "f" }))
      yield* TestClock.adjust(1)
      yield* client.write(request("SUBMIT_JOB_EPOCH", { function: "f", unique: "", epoch: "86400", workload: "x" }))
      assert.include(yield* client.read, "H:")
      yield* TestClock.adjust("23 hours")
      assert.strictEqual(server.core.counters.noops, 0)
      yield* TestClock.adjust("1 hours")
      assert.strictEqual(yield* worker.read, "\0RES\0\0\0\x06\0\0\0\0")
      yield* worker.write(request("GRAB_JOB", {}))
      assert.include(yield* worker.read, "f\0x")
      yield* other.write(request("PRE_SLEEP", {}))
      yield* TestClock.adjust("1999 millis")
      assert.strictEqual(server.core.counters.timedOut, 0)
      yield* TestClock.adjust("1 millis")
      assert.strictEqual(yield* other.read, "\0RES\0\0\0\x06\0\0\0\0")
      assert.strictEqual(server.core.counters.timedOut, 1)
    }).pipe(Effect.provide(JobServer.layer().pipe(Layer.provideMerge(MemoryNetwork.layer))))
  )

  it.effect("gives other handles after each start", () =>
    Effect.gen(function* () {
      const handleOf = Effect.scoped(
        Effect.gen(function* () {
          const server = yield* JobServer.listen({ address })
          yield* Effect.forkScoped(server.run)
          const client = yield* dial(address)
          yield* client.write(request("SUBMIT_JOB_BG", { function: "f", unique: "", workload: "" }))
          return (yield* client.read).slice(12)
        })
      )
      const [first, second] = [yield* handleOf, yield* handleOf]
      assert.match(first, /^H:[0-9a-z]{12}:0000000001$/)
      assert.notStrictEqual(first, second)
    }).pipe(Effect.provide(MemoryNetwork.layer))
  )

  it.effect("requeues the jobs of a worker whose connection breaks", () =>
    Effect.gen(function* () {
      const server = yield* JobServer.JobServer
      const client = yield* dial(address)
      yield* client.write(request("SUBMIT_JOB_BG", { function: "f", unique: "", workload: "" }))
      yield* client.read
      yield* Effect.scoped(
        Effect.gen(function* () {
          const worker = yield* dial(address)
          yield* worker.write(request("CAN_DO", { function: "f" }), request("GRAB_JOB", {}))
          yield* worker.read
          assert.strictEqual(server.core.inspect().jobs[0]!.state, "running")
        })
      )
      yield* TestClock.adjust(1)
      assert.strictEqual(server.core.inspect().jobs[0]!.state, "queued")
    }).pipe(Effect.provide(JobServer.layer().pipe(Layer.provideMerge(MemoryNetwork.layer))))
  )

  it.effect("ends when a permitted command says so, after its answer", () =>
    Effect.gen(function* () {
      const serving = yield* Effect.forkChild(JobServer.serve({ address, allowShutdown: true }))
      yield* Effect.yieldNow
      const client = yield* dial(address)
      yield* client.write(text("shutdown\n"))
      assert.strictEqual(yield* client.read, "OK\n")
      yield* Fiber.join(serving)
    }).pipe(Effect.provide(MemoryNetwork.layer))
  )

  it.effect("ends gracefully when the last job is done, and takes nobody new meanwhile", () =>
    Effect.gen(function* () {
      const server = yield* JobServer.listen({ address })
      const serving = yield* Effect.forkChild(server.run)
      const both = yield* dial(address)
      yield* both.write(
        request("CAN_DO", { function: "f" }),
        request("SUBMIT_JOB_BG", { function: "f", unique: "", workload: "" })
      )
      const handle = (yield* both.read).slice(12)
      yield* server.shutdown("graceful")
      yield* TestClock.adjust(1)
      assert.strictEqual((yield* Effect.flip(dial(address)))._tag, "SocketError")
      yield* both.write(request("GRAB_JOB", {}))
      assert.include(yield* both.read, handle)
      assert.isUndefined(serving.pollUnsafe())
      yield* both.write(request("WORK_COMPLETE", { handle, data: "" }))
      yield* Fiber.join(serving)
    }).pipe(Effect.provide(MemoryNetwork.layer))
  )

  it.effect("closes a connection that is one too many", () =>
    Effect.gen(function* () {
      const server = yield* JobServer.JobServer
      const first = yield* dial(address)
      yield* first.write(text("version\n"))
      yield* first.read
      const second = yield* dial(address)
      assert.strictEqual((yield* Effect.flip(second.read))._tag, "SocketError")
      assert.strictEqual(server.core.counters.refused, 1)
    }).pipe(Effect.provide(JobServer.layer({ maxConnections: 1 }).pipe(Layer.provideMerge(MemoryNetwork.layer))))
  )

  it.effect("says what is wrong when the address is taken", () =>
    Effect.gen(function* () {
      yield* JobServer.listen({ address })
      const error = yield* Effect.flip(Effect.scoped(JobServer.listen({ address })))
      assert.strictEqual(error._tag, "NetworkError")
    }).pipe(Effect.provide(MemoryNetwork.layer))
  )

  it.effect("tells callers who could wait what they waited for before it shuts down", () =>
    Effect.gen(function* () {
      let afterBytes: Network.ReceiveOptions["afterBytes"]
      let hear: (bytes: Uint8Array) => void = () => assert.fail("nobody listens")
      let sent = ""
      const connection: Network.Connection = {
        peerHost: "127.0.0.1",
        peerPort: 1,
        receive: (onBytes, options) => {
          hear = onBytes
          afterBytes = options.afterBytes
          return Effect.never
        },
        send: (chunks) => void (sent += chunks.map((chunk) => Codec.latin1(chunk)).join("")),
        unsentBytes: () => 0,
        end: () => {},
        destroy: () => {}
      }
      const network = Network.Network.of({
        processName: "test",
        connect: () => Effect.die("nobody dials"),
        listen: (address) =>
          Effect.succeed({ address, run: (handler) => Effect.andThen(handler(connection), Effect.never) })
      })
      const server = yield* Effect.provideService(JobServer.listen({}), Network.Network, network)
      yield* Effect.forkScoped(server.run)
      yield* Effect.yieldNow
      hear(request("SUBMIT_JOB_BG", { function: "f", unique: "", workload: "x" }))
      assert.isDefined(afterBytes?.(true))
      assert.strictEqual(sent, "")
      yield* server.shutdown("now")
      assert.include(sent, "H:")
    })
  )
})
