/** The network on real loopback sockets: what the contract of `Network` promises. */
import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Socket from "effect/socket/Socket"
import * as Fs from "node:fs"
import * as Net from "node:net"
import * as Os from "node:os"
import * as Path from "node:path"
import * as Network from "../../src/protocol/Network.ts"
import * as NodeNetwork from "../../src/runtime/NodeNetwork.ts"

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes)
const bytes = (value: string) => new TextEncoder().encode(value)
const anyPort = Network.tcp("127.0.0.1", 0)
const reading = { pauseAboveBytes: 1_000_000 }

/** A bare Node socket, so that the peer is not our own code. */
const dial = (address: Network.Address) =>
  Effect.acquireRelease(
    Effect.callback<Net.Socket>((resume) => {
      const socket =
        address._tag === "Unix" ? Net.connect(address.path) : Net.connect({ host: address.host, port: address.port })
      socket.on("error", () => {})
      socket.once("connect", () => resume(Effect.succeed(socket)))
    }),
    (socket) => Effect.sync(() => socket.destroy())
  )

const readAll = (socket: Net.Socket) =>
  Effect.callback<string>((resume) => {
    let all = ""
    socket.on("data", (chunk) => (all += chunk.toString("latin1")))
    socket.once("close", () => resume(Effect.succeed(all)))
  })

const echo = (connection: Network.Connection) =>
  Effect.ignore(connection.receive((chunk) => connection.send([chunk.slice()]), reading))

describe("NodeNetwork", () => {
  it.live("carries bytes both ways between listen and connect", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const network = yield* Network.Network
        const listener = yield* network.listen(anyPort)
        yield* Effect.forkScoped(listener.run(echo))
        const socket = yield* network.connect(listener.address)
        const reader = yield* socket.reader
        const writer = yield* socket.writer
        yield* writer.writeAll([bytes("hello "), bytes("world")])
        let got = ""
        while (got.length < 11) {
          for (const chunk of yield* reader.pull) got += typeof chunk === "string" ? chunk : text(chunk)
        }
        assert.strictEqual(got, "hello world")
      })
    ).pipe(Effect.provide(NodeNetwork.layer))
  )

  it.live("tells the peer's address and serves connections that came before run", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const network = NodeNetwork.make()
        const listener = yield* network.listen(anyPort)
        const peer = yield* dial(listener.address)
        peer.write("early")
        yield* Effect.sleep("50 millis")
        const seen = yield* Deferred.make<string>()
        yield* Effect.forkScoped(
          listener.run((connection) =>
            Effect.ignore(
              connection.receive((chunk) => {
                Deferred.doneUnsafe(
                  seen,
                  Effect.succeed(`${connection.peerHost}:${connection.peerPort} ${text(chunk)}`)
                )
              }, reading)
            )
          )
        )
        assert.strictEqual(yield* Deferred.await(seen), `127.0.0.1:${peer.localPort} early`)
      })
    )
  )

  it.live("sends what waits before end closes, and drops it on destroy", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const network = NodeNetwork.make()
        const listener = yield* network.listen(anyPort)
        const megabytes = new Uint8Array(8 << 20).fill(120)
        yield* Effect.forkScoped(
          listener.run((connection) =>
            Effect.ignore(
              connection.receive((chunk) => {
                connection.send([bytes("start "), megabytes, bytes(" stop")])
                if (text(chunk) === "end") connection.end()
                else connection.destroy()
              }, reading)
            )
          )
        )
        const patient = yield* dial(listener.address)
        patient.write("end")
        const all = yield* readAll(patient)
        assert.strictEqual(all.length, megabytes.length + 11)
        assert.isTrue(all.startsWith("start x") && all.endsWith("x stop"))
        const cut = yield* dial(listener.address)
        cut.write("destroy")
        assert.isBelow((yield* readAll(cut)).length, megabytes.length)
      })
    )
  )

  it.live("pauses reading from a peer that takes no answers, and goes on when it does", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const network = NodeNetwork.make()
        const listener = yield* network.listen(anyPort)
        let received = 0
        let unsent: () => number = () => 0
        yield* Effect.forkScoped(
          listener.run((connection) => {
            unsent = () => connection.unsentBytes()
            return Effect.ignore(
              connection.receive(
                (chunk) => {
                  received += chunk.length
                  // Ten bytes of answer for each byte of question.
                  connection.send([new Uint8Array(chunk.length * 10)])
                },
                { pauseAboveBytes: 1 << 20 }
              )
            )
          })
        )
        const peer = yield* dial(listener.address)
        peer.pause()
        const question = new Uint8Array(4 << 20)
        peer.write(question)
        yield* Effect.sleep("300 millis")
        const whileStalled = received
        assert.isBelow(whileStalled, question.length)
        assert.isAbove(unsent(), 1 << 20)
        // One batch of input may go over the limit, and no more than that.
        assert.isBelow(unsent(), (1 << 20) + 10 * 65_536 + 1)
        let answered = 0
        yield* Effect.callback<void>((resume) => {
          peer.on("data", (chunk) => {
            answered += chunk.length
            if (answered === question.length * 10) resume(Effect.void)
          })
          peer.resume()
        })
        assert.strictEqual(received, question.length)
      })
    )
  )

  it.live("ends receive in order when the peer ends, and with an error when it resets", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const network = NodeNetwork.make()
        const listener = yield* network.listen(anyPort)
        const ends: Array<unknown> = []
        let begun = 0
        yield* Effect.forkScoped(
          listener.run((connection) => {
            begun++
            return connection
              .receive((chunk) => connection.send([chunk.slice()]), reading)
              .pipe(
                Effect.match({
                  onSuccess: () => void ends.push("ended"),
                  onFailure: (error) => void ends.push(error)
                })
              )
          })
        )
        const polite = yield* dial(listener.address)
        polite.end("bye")
        assert.strictEqual(yield* readAll(polite), "bye")
        const rude = yield* dial(listener.address)
        while (begun < 2) yield* Effect.sleep("5 millis")
        rude.resetAndDestroy()
        while (ends.length < 2) yield* Effect.sleep("5 millis")
        const [first, second] = ends
        assert.strictEqual(first, "ended")
        assert.instanceOf(second, Socket.SocketError)
        assert(second.reason._tag === "SocketReadError")
        assert.propertyVal(second.reason.cause, "code", "ECONNRESET")
        // Of peers that are lost there may be thousands in a second.
        assert.notInclude(second.stack!, "\n    at ")
      })
    )
  )

  it.live("closes the connections when run is interrupted, and frees the port", () =>
    Effect.gen(function* () {
      const network = NodeNetwork.make()
      let address: Network.Address = anyPort
      yield* Effect.scoped(
        Effect.gen(function* () {
          const listener = yield* network.listen(anyPort)
          address = listener.address
          const running = yield* Effect.forkScoped(listener.run(echo))
          const peer = yield* dial(listener.address)
          yield* Effect.sleep("20 millis")
          const closing = yield* Effect.forkChild(readAll(peer))
          yield* Fiber.interrupt(running)
          assert.strictEqual(yield* Fiber.join(closing), "")
        })
      )
      // The same port again at once.
      yield* Effect.scoped(network.listen(address))
    })
  )

  it.live("says which port is taken and what to do", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const network = NodeNetwork.make()
        const { address } = yield* network.listen(anyPort)
        const error = yield* Effect.flip(network.listen(address))
        assert.strictEqual(error._tag, "NetworkError")
        assert.strictEqual(error.operation, "listen")
        const port = address._tag === "Tcp" ? address.port : 0
        assert.include(error.message, "EADDRINUSE")
        assert.include(error.message, `Port ${port} is in use`)
      })
    )
  )

  it.live("says that a host name is unknown", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const error = yield* Effect.flip(NodeNetwork.make().listen(Network.tcp("no-such-host.invalid", 0)))
        assert.include(error.message, "The host name is unknown")
      })
    )
  )

  it.live("binds a host name's addresses with one port", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const listener = yield* NodeNetwork.make().listen(Network.tcp("localhost", 0))
        yield* Effect.forkScoped(listener.run(echo))
        assert.isTrue(listener.address._tag === "Tcp" && listener.address.host === "localhost")
        const peer = yield* dial(Network.tcp("127.0.0.1", listener.address._tag === "Tcp" ? listener.address.port : 0))
        peer.end("x")
        assert.strictEqual(yield* readAll(peer), "x")
      })
    )
  )

  it.live("listens on a Unix socket, also where a dead server left its file", () =>
    Effect.gen(function* () {
      const directory = Fs.mkdtempSync(Path.join(Os.tmpdir(), "gearman-"))
      const path = Path.join(directory, "socket")
      const address = Network.unix(path)
      const network = NodeNetwork.make()
      yield* Effect.scoped(
        Effect.gen(function* () {
          const listener = yield* network.listen(address)
          yield* Effect.forkScoped(listener.run(echo))
          const taken = yield* Effect.flip(network.listen(address))
          assert.include(taken.message, "Another process listens on this socket")
          const peer = yield* dial(address)
          peer.end("x")
          assert.strictEqual(yield* readAll(peer), "x")
        })
      )
      // What a killed server leaves behind: a bound path that nobody listens on.
      const code = `require("net").createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, "SIGKILL"))`
      const { spawnSync } = yield* Effect.promise(() => import("node:child_process"))
      spawnSync(process.execPath, ["-e", code])
      assert.isTrue(Fs.existsSync(path))
      yield* Effect.scoped(network.listen(address))
      Fs.rmSync(directory, { recursive: true, force: true })
    })
  )

  it.live("refuses connections over the limit, counts them, and accepts again when one ends", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const refused: Array<string> = []
        const network = NodeNetwork.make({
          maxConnections: 3,
          maxConnectionsPerAddress: 2,
          onRefused: (peer, limit) => refused.push(`${peer} ${limit}`)
        })
        const listener = yield* network.listen(anyPort)
        yield* Effect.forkScoped(listener.run(echo))
        const first = yield* dial(listener.address)
        yield* dial(listener.address)
        yield* Effect.sleep("20 millis")
        assert.strictEqual(yield* readAll(yield* dial(listener.address)), "")
        assert.deepStrictEqual(refused, ["127.0.0.1 maxConnectionsPerAddress"])
        first.destroy()
        yield* Effect.sleep("50 millis")
        const next = yield* dial(listener.address)
        next.end("x")
        assert.strictEqual(yield* readAll(next), "x")
      })
    )
  )

  it.live("fails to dial with the cause when nobody listens", () =>
    Effect.gen(function* () {
      const network = NodeNetwork.make()
      const free = yield* Effect.scoped(Effect.map(network.listen(anyPort), (listener) => listener.address))
      const socket = yield* network.connect(free)
      const error = yield* Effect.flip(Effect.scoped(socket.reader))
      assert.strictEqual(error.reason._tag, "SocketOpenError")
      assert.include(String((error.reason as { cause: unknown }).cause), "ECONNREFUSED")
    })
  )

  it.live("a handler that throws loses its own connection only", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const listener = yield* NodeNetwork.make().listen(anyPort)
        yield* Effect.forkScoped(
          listener.run((connection) =>
            Effect.ignore(
              connection.receive((chunk) => {
                if (text(chunk) === "bad") throw new Error("planted")
                connection.send([chunk.slice()])
              }, reading)
            )
          )
        )
        const good = yield* dial(listener.address)
        const bad = yield* dial(listener.address)
        bad.write("bad")
        assert.strictEqual(yield* readAll(bad), "")
        good.end("good")
        assert.strictEqual(yield* readAll(good), "good")
      })
    )
  )
})
