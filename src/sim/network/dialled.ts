/**
 * A dialled endpoint as Effect's own `Socket`, which is what client and worker use.
 * Errors are those of Effect's Node sockets: 1000 for an end in order, a read or write
 * error for a broken connection, an open error for one that never came to be.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as Scope from "effect/Scope"
import * as Socket from "effect/socket/Socket"
import type { Endpoint } from "./Endpoint.ts"

const failure = (reason: Socket.SocketError["reason"]) => new Socket.SocketError({ reason })

const encoder = new TextEncoder()

type Chunks = readonly [Uint8Array, ...Array<Uint8Array>]

/** More bytes than this wait in the writer's memory before it is made to wait. */
const writableHighWaterBytes = 16 * 1024

/**
 * @since 0.1.0
 * @category constructors
 */
export const dialled = (dial: Effect.Effect<Endpoint, Socket.SocketError, Scope.Scope>): Socket.Socket => {
  let current: Endpoint | undefined
  let drained: Latch.Latch | undefined
  const connected = Latch.makeUnsafe(false)

  const reader = Effect.gen(function* () {
    const scope = yield* Effect.scope
    const endpoint = yield* dial
    let waiter: ((chunks: Effect.Effect<Chunks, Socket.SocketError>) => void) | undefined
    let over: Socket.SocketError | undefined

    const finish = (error: Socket.SocketError) => {
      over ??= error
      const resume = waiter
      waiter = undefined
      resume?.(Effect.fail(over))
    }

    const readSome = () => {
      if (waiter === undefined || over !== undefined) return
      if (endpoint.broken !== undefined) return finish(failure(new Socket.SocketReadError({ cause: endpoint.broken })))
      const count = endpoint.readable()
      if (count > 0) {
        const resume = waiter
        waiter = undefined
        const chunk = endpoint.read(count).slice()
        endpoint.readDone()
        resume(Effect.succeed([chunk]))
      } else if (endpoint.incoming.ended && endpoint.incoming.unread === 0) {
        finish(failure(new Socket.SocketCloseError({ code: 1000 })))
      } else if (endpoint.hasNews()) endpoint.notifyReadable()
    }

    endpoint.onReadable = readSome
    current = endpoint
    connected.openUnsafe()
    yield* Scope.addFinalizer(
      scope,
      Effect.sync(() => {
        finish(failure(new Socket.SocketCloseError({ code: 1006 })))
        connected.closeUnsafe()
        drained?.openUnsafe()
        current = undefined
        endpoint.close(true)
      })
    )

    const pull = Effect.callback<Chunks, Socket.SocketError>((resume) => {
      if (over !== undefined) return resume(Effect.fail(over))
      waiter = resume
      if (endpoint.hasNews()) endpoint.notifyReadable()
      return Effect.sync(() => {
        if (waiter === resume) waiter = undefined
      })
    })
    return { pull, upgrade: Socket.SocketUpgradeError.unsupported }
  })

  const writeError = (endpoint: Endpoint) =>
    failure(new Socket.SocketWriteError({ cause: endpoint.broken ?? new Error("the socket is closed") }))

  const writeAll = (chunks: ReadonlyArray<Uint8Array | string>): Effect.Effect<void, Socket.SocketError> =>
    Effect.suspend(() => {
      const endpoint = current
      if (endpoint === undefined) return connected.whenOpen(Effect.suspend(() => writeAll(chunks)))
      if (endpoint.broken !== undefined || endpoint.outgoing.ending) return Effect.fail(writeError(endpoint))
      for (const chunk of chunks) endpoint.write(typeof chunk === "string" ? encoder.encode(chunk) : chunk)
      endpoint.outgoing.pump()
      if (endpoint.outgoing.waiting <= writableHighWaterBytes) return Effect.void
      drained ??= Latch.makeUnsafe(false)
      drained.closeUnsafe()
      endpoint.onWritable = () => {
        if (endpoint.broken === undefined && endpoint.outgoing.waiting > 0) return
        endpoint.onWritable = undefined
        drained?.openUnsafe()
      }
      return drained.whenOpen(
        Effect.suspend(() =>
          endpoint.broken !== undefined || endpoint.closed ? Effect.fail(writeError(endpoint)) : Effect.void
        )
      )
    })

  const write = (chunk: Uint8Array | string | Socket.CloseEvent) =>
    Socket.isCloseEvent(chunk) ? Effect.sync(() => current?.close(true)) : writeAll([chunk])

  const writer = Effect.acquireRelease(Effect.succeed({ write, writeAll }), () => Effect.sync(() => current?.end()))

  return Socket.make({ reader, writer })
}
