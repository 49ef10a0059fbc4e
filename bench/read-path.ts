/**
 * What one message costs the side that answers it, for two ways of reading: the
 * synchronous handler of `Network.listen`, and Effect's own socket server with a pull
 * per batch. Prints CPU microseconds per message.
 *
 *   node bench/read-path.ts
 *
 * Each way runs in a process of its own, so that one does not warm up the other.
 */
import * as NodeSocketServer from "@effect/platform-node/NodeSocketServer"
import * as Effect from "effect/Effect"
import * as ChildProcess from "node:child_process"
import * as Net from "node:net"
import * as Network from "../src/protocol/Network.ts"
import * as NodeNetwork from "../src/runtime/NodeNetwork.ts"

const connections = 8
const answer = new Uint8Array(32)

/** Says how many answers are due after each batch of bytes. */
const counter = (messageBytes: number) => {
  let waiting = 0
  return (chunk: Uint8Array): Array<Uint8Array> => {
    waiting += chunk.length
    const count = Math.floor(waiting / messageBytes)
    waiting -= count * messageBytes
    return Array.from({ length: count }, () => answer)
  }
}

const tellParent = (port: number) => process.send?.({ port })

const ways: Record<string, (messageBytes: number) => Effect.Effect<never, unknown, never>> = {
  "synchronous handler": (messageBytes) =>
    Effect.scoped(
      Effect.gen(function* () {
        const listener = yield* NodeNetwork.make().listen(Network.tcp("127.0.0.1", 0))
        tellParent(listener.address._tag === "Tcp" ? listener.address.port : 0)
        return yield* listener.run((connection) => {
          const answers = counter(messageBytes)
          return Effect.ignore(
            connection.receive((chunk) => connection.send(answers(chunk)), { pauseAboveBytes: 1 << 20 })
          )
        })
      })
    ),
  "pull per batch": (messageBytes) =>
    Effect.scoped(
      Effect.gen(function* () {
        const server = yield* NodeSocketServer.make({ host: "127.0.0.1", port: 0, noDelay: true })
        tellParent((server.address as unknown as { readonly port: number }).port)
        return yield* server.run((socket) =>
          Effect.scoped(
            Effect.gen(function* () {
              const answers = counter(messageBytes)
              const reader = yield* socket.reader
              const writer = yield* socket.writer
              const step = Effect.flatMap(reader.pull, (chunks) => {
                const due = chunks.flatMap((chunk) => answers(chunk as Uint8Array))
                return due.length === 0 ? Effect.void : writer.writeAll(due as [Uint8Array])
              })
              return yield* Effect.ignore(Effect.forever(step))
            })
          )
        )
      })
    )
}

const runServer = (way: string, messageBytes: number) => {
  process.on("message", () => process.send?.({ cpu: process.cpuUsage() }))
  Effect.runFork(ways[way]!(messageBytes))
}

/** Keeps `inFlight` messages under way on each connection until all are answered. */
const drive = (port: number, messageBytes: number, inFlight: number, messages: number) =>
  Promise.all(
    Array.from(
      { length: connections },
      () =>
        new Promise<void>((resolve) => {
          const socket = Net.connect({ port, host: "127.0.0.1", noDelay: true })
          const window = Buffer.alloc(messageBytes * inFlight)
          let answered = 0
          let waiting = 0
          socket.on("connect", () => socket.write(window))
          socket.on("data", (chunk) => {
            waiting += chunk.length
            const count = Math.floor(waiting / answer.length)
            waiting -= count * answer.length
            answered += count
            if (answered >= messages / connections) {
              socket.destroy()
              resolve()
            } else if (count > 0) socket.write(window.subarray(0, count * messageBytes))
          })
        })
    )
  )

const measure = async (way: string, messageBytes: number, inFlight: number) => {
  const child = ChildProcess.fork(new URL(import.meta.url), [way, String(messageBytes)])
  const next = () => new Promise<any>((resolve) => child.once("message", resolve))
  const { port } = await next()
  const cpuMicros = async () => {
    child.send("cpu")
    const { cpu } = await next()
    return cpu.user + cpu.system
  }
  const messages = 100_000
  await drive(port, messageBytes, inFlight, messages)
  const before = await cpuMicros()
  await drive(port, messageBytes, inFlight, messages)
  const each = (await cpuMicros()) - before
  child.kill()
  const what = `${way.padEnd(20)} ${String(messageBytes).padStart(5)} bytes, ${String(inFlight).padStart(2)} in flight`
  console.log(`${what}: ${(each / messages).toFixed(2).padStart(6)} µs CPU per message`)
}

const [way, messageBytes] = process.argv.slice(2)
if (way !== undefined) runServer(way, Number(messageBytes))
else {
  for (const bytes of [32, 10_240]) {
    for (const inFlight of [1, 10]) {
      for (const name of Object.keys(ways)) await measure(name, bytes, inFlight)
    }
  }
}
