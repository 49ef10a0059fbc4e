/**
 * The network in memory keeps the contract that real sockets keep.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import * as Socket from "effect/socket/Socket"
import * as MemoryNetwork from "../../../src/protocol/MemoryNetwork.ts"
import * as Network from "../../../src/protocol/Network.ts"

const address = Network.tcp("127.0.0.1", 0)

/** Listens and hands each connection to the handler. */
const listen = (handler: (connection: Network.Connection) => Effect.Effect<void>, at: Network.Address = address) =>
  Effect.gen(function* () {
    const network = yield* Network.Network
    const listener = yield* network.listen(at)
    yield* Effect.forkScoped(listener.run(handler))
    return listener.address
  })

const echo = (connection: Network.Connection) =>
  Effect.ignore(connection.receive((bytes) => connection.send([bytes]), { pauseAboveBytes: 1024 }))

const dial = (to: Network.Address) =>
  Effect.gen(function* () {
    const network = yield* Network.Network
    const socket = yield* network.connect(to)
    const pull = yield* Socket.readerBytes(socket)
    return { pull, writer: yield* socket.writer }
  })

const collect = (pull: Effect.Effect<ReadonlyArray<Uint8Array>, Socket.SocketError>, bytes: number) =>
  Effect.gen(function* () {
    const received: Array<number> = []
    while (received.length < bytes) for (const chunk of yield* pull) received.push(...chunk)
    return received
  })

const run = <A, E>(program: Effect.Effect<A, E, Network.Network | MemoryNetwork.MemoryNetwork | Scope.Scope>) =>
  program.pipe(Effect.scoped, Effect.provide(MemoryNetwork.layer))

describe("MemoryNetwork", () => {
  it.effect("carries bytes in order, and copies them", () =>
    run(
      Effect.gen(function* () {
        const { pull, writer } = yield* dial(yield* listen(echo))
        const reused = Uint8Array.of(1, 2)
        yield* writer.writeAll([reused, Uint8Array.of(3)])
        reused.fill(9)
        assert.deepStrictEqual(yield* collect(pull, 3), [1, 2, 3])
      })
    )
  )

  it.effect("refuses whoever dials where nobody listens, and whoever listens where somebody does", () =>
    run(
      Effect.gen(function* () {
        const refused = yield* Effect.flip(dial(Network.tcp("127.0.0.1", 1)))
        assert.strictEqual(refused.reason._tag, "SocketOpenError")
        const bound = yield* listen(echo)
        const taken = yield* Effect.flip(listen(echo, bound))
        assert.include(taken.message, "address in use")
      })
    )
  )

  it.effect("suspends a writer whose peer does not read", () =>
    run(
      Effect.gen(function* () {
        const gate = yield* Deferred.make<void>()
        const { writer } = yield* dial(
          yield* listen((connection) => Effect.andThen(Deferred.await(gate), echo(connection)))
        )
        const writing = yield* Effect.forkChild(writer.writeAll([new Uint8Array(100_000)]))
        for (let turn = 0; turn < 20; turn++) yield* Effect.yieldNow
        assert.isUndefined(writing.pollUnsafe())
        yield* Deferred.succeed(gate, undefined)
        yield* Fiber.join(writing)
      })
    )
  )

  it.effect("stops reading while its peer does not take the answers", () =>
    run(
      Effect.gen(function* () {
        let received = 0
        let unsent = () => 0
        const bound = yield* listen((connection) => {
          unsent = connection.unsentBytes
          return Effect.ignore(
            connection.receive(
              (bytes) => {
                received += bytes.length
                connection.send([bytes])
              },
              { pauseAboveBytes: 100 }
            )
          )
        })
        const { pull, writer } = yield* dial(bound)
        yield* Effect.forEach(Array.from({ length: 10 }), () => writer.writeAll([new Uint8Array(60)]))
        for (let turn = 0; turn < 20; turn++) yield* Effect.yieldNow
        assert.strictEqual(received, 120)
        assert.strictEqual(unsent(), 120)
        assert.strictEqual((yield* collect(pull, 600)).length, 600)
      })
    )
  )

  it.effect("tells an orderly end from a broken connection", () =>
    run(
      Effect.gen(function* () {
        const { reset } = yield* MemoryNetwork.MemoryNetwork
        const ends: Array<string> = []
        const bound = yield* listen((connection) =>
          Effect.map(
            Effect.exit(connection.receive(() => {}, { pauseAboveBytes: 1 })),
            (exit) => void ends.push(exit._tag)
          )
        )
        const scope = yield* Scope.fork(yield* Effect.scope)
        yield* Scope.provide(dial(bound), scope)
        const { pull } = yield* dial(bound)
        for (let turn = 0; turn < 10; turn++) yield* Effect.yieldNow
        yield* Scope.close(scope, Exit.void)
        for (let turn = 0; turn < 10; turn++) yield* Effect.yieldNow
        assert.deepStrictEqual(ends, ["Success"])
        yield* reset(bound)
        assert.strictEqual((yield* Effect.flip(pull)).reason._tag, "SocketCloseError")
        for (let turn = 0; turn < 10; turn++) yield* Effect.yieldNow
        assert.deepStrictEqual(ends, ["Success", "Failure"])
      })
    )
  )

  it.effect("delivers what was sent before the end", () =>
    run(
      Effect.gen(function* () {
        const { pull } = yield* dial(
          yield* listen((connection) =>
            Effect.sync(() => {
              connection.send([Uint8Array.of(1, 2, 3)])
              connection.end()
            })
          )
        )
        assert.deepStrictEqual(yield* collect(pull, 3), [1, 2, 3])
        const ended = yield* Effect.flip(pull)
        assert.strictEqual(ended.reason._tag === "SocketCloseError" && ended.reason.code, 1000)
      })
    )
  )

  it.effect("lets nothing through while frozen, and loses nothing", () =>
    run(
      Effect.gen(function* () {
        const { freeze, thaw } = yield* MemoryNetwork.MemoryNetwork
        const bound = yield* listen(echo)
        const { pull, writer } = yield* dial(bound)
        yield* freeze(bound)
        yield* writer.writeAll([Uint8Array.of(7)])
        const reading = yield* Effect.forkChild(pull)
        const dialling = yield* Effect.forkChild(Effect.scoped(dial(bound)))
        for (let turn = 0; turn < 20; turn++) yield* Effect.yieldNow
        assert.isUndefined(reading.pollUnsafe())
        assert.isUndefined(dialling.pollUnsafe())
        yield* thaw(bound)
        assert.deepStrictEqual((yield* Fiber.join(reading))[0], Uint8Array.of(7))
        yield* Fiber.join(dialling)
      })
    )
  )
})
