/**
 * A network in memory, for tests: no ports, no timers, nothing but Effect, so it works
 * under `TestClock` and in any number of tests at once.
 *
 * Beside the `Network` itself it gives its tests a hand on the wires: `reset` breaks
 * the connections of an address, `freeze` makes it silent (a half-open connection),
 * `thaw` heals it.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as FiberSet from "effect/FiberSet"
import * as Latch from "effect/Latch"
import * as Layer from "effect/Layer"
import * as Queue from "effect/Queue"
import * as Scope from "effect/Scope"
import * as Socket from "effect/socket/Socket"
import * as Network from "./Network.ts"

/**
 * The hand on the wires.
 *
 * @example
 * ```ts
 * import * as Effect from "effect/Effect"
 * import * as MemoryNetwork from "effect-gearman/MemoryNetwork"
 * import * as Network from "effect-gearman/Network"
 *
 * const outage = Effect.gen(function* () {
 *   const network = yield* MemoryNetwork.MemoryNetwork
 *   yield* network.freeze(Network.tcp("sammy"))
 *   yield* Effect.sleep("1 minute")
 *   yield* network.thaw(Network.tcp("sammy"))
 * })
 * ```
 *
 * @since 0.1.0
 * @category services
 */
export class MemoryNetwork extends Context.Service<
  MemoryNetwork,
  {
    /** Breaks every connection to the address; bytes under way are lost. Whoever dials again gets through. */
    readonly reset: (address: Network.Address) => Effect.Effect<void>
    /** From now on nothing arrives in either direction, dialling included; nothing is lost either. */
    readonly freeze: (address: Network.Address) => Effect.Effect<void>
    /** Ends `freeze`. */
    readonly thaw: (address: Network.Address) => Effect.Effect<void>
  }
>()("effect-gearman/MemoryNetwork") {}

// A writer waits while more than this is under way, as it would for a socket's buffer.
const pipeBytes = 64 * 1024

const firstEphemeralPort = 49152

/** Bytes under way in one direction. */
class Pipe {
  private chunks: Array<Uint8Array> = []
  bytes = 0
  /** `ended`: what is under way still arrives; `broken`: it does not. */
  closed: "ended" | "broken" | undefined
  highWater = pipeBytes
  /** Open when a reader has something to see. */
  readonly readable = Latch.makeUnsafe(false)
  /** Open when a writer may go on. */
  readonly writable = Latch.makeUnsafe(true)
  private frozen = false

  write(chunks: ReadonlyArray<Uint8Array | string>): void {
    if (this.closed !== undefined) return
    for (const chunk of chunks) {
      // The writer may reuse its buffers at once.
      const copy = typeof chunk === "string" ? new TextEncoder().encode(chunk) : Uint8Array.from(chunk)
      if (copy.length === 0) continue
      this.chunks.push(copy)
      this.bytes += copy.length
    }
    if (this.bytes > this.highWater) this.writable.closeUnsafe()
    this.wakeReader()
  }

  shift(): Uint8Array | undefined {
    if (this.frozen) return undefined
    const chunk = this.chunks.shift()
    if (chunk === undefined) return undefined
    this.bytes -= chunk.length
    if (this.chunks.length === 0 && this.closed === undefined) this.readable.closeUnsafe()
    if (this.bytes <= this.highWater / 2) this.writable.openUnsafe()
    return chunk
  }

  close(how: "ended" | "broken"): void {
    if (this.closed !== undefined) return
    this.closed = how
    if (how === "broken") {
      this.chunks = []
      this.bytes = 0
    }
    this.writable.openUnsafe()
    this.wakeReader()
  }

  setFrozen(frozen: boolean): void {
    this.frozen = frozen
    if (frozen) this.readable.closeUnsafe()
    else this.wakeReader()
  }

  private wakeReader(): void {
    if (!this.frozen && (this.chunks.length > 0 || this.closed !== undefined)) this.readable.openUnsafe()
  }
}

/** Both directions of one connection. */
class Link {
  readonly toServer = new Pipe()
  readonly toClient = new Pipe()

  setFrozen(frozen: boolean): void {
    this.toServer.setFrozen(frozen)
    this.toClient.setFrozen(frozen)
  }

  break(): void {
    this.toServer.close("broken")
    this.toClient.close("broken")
  }
}

interface Bound {
  readonly address: Network.Address
  readonly backlog: Queue.Queue<Network.Connection>
}

/** What is known of one address: who listens there, what is connected, whether it is silent. */
class Place {
  bound: Bound | undefined
  readonly links = new Set<Link>()
  readonly thawed = Latch.makeUnsafe(true)
}

const socketError = (reason: Socket.SocketErrorReason) => new Socket.SocketError({ reason })

const closeReason = (pipe: Pipe) =>
  socketError(new Socket.SocketCloseError({ code: pipe.closed === "ended" ? 1000 : 1006 }))

const connectionOf = (link: Link, peerHost: string, peerPort: number): Network.Connection => {
  const { toClient, toServer } = link
  const pump = (onBytes: (bytes: Uint8Array) => void, { afterBytes }: Network.ReceiveOptions) =>
    Effect.suspend((): Effect.Effect<boolean, Socket.SocketError> => {
      while (toClient.bytes <= toClient.highWater) {
        const chunk = toServer.shift()
        if (chunk === undefined) break
        onBytes(chunk)
        afterBytes?.()?.()
      }
      if (toServer.closed === undefined || toServer.bytes > 0) return Effect.succeed(true)
      return toServer.closed === "ended" || toClient.closed === "ended"
        ? Effect.succeed(false)
        : Effect.fail(closeReason(toServer))
    })
  return {
    peerHost,
    peerPort,
    receive: (onBytes, options) =>
      Effect.suspend(() => {
        toClient.highWater = options.pauseAboveBytes
        // The yield keeps a writer's fiber from running its peer's code.
        const turn = Effect.andThen(
          Effect.andThen(toServer.readable.await, toClient.writable.await),
          Effect.andThen(Effect.yieldNow, pump(onBytes, options))
        )
        return Effect.repeat(turn, { while: (isOpen) => isOpen })
      }).pipe(
        Effect.asVoid,
        Effect.ensuring(
          Effect.sync(() => {
            toClient.close("ended")
            toServer.close("broken")
          })
        )
      ),
    send: (chunks) => toClient.write(chunks),
    unsentBytes: () => toClient.bytes,
    end: () => {
      toClient.close("ended")
      toServer.close("broken")
    },
    destroy: () => {
      toClient.close("broken")
      toServer.close("ended")
    }
  }
}

const socketOf = (dial: Effect.Effect<Link, Socket.SocketError, Scope.Scope>): Socket.Socket => {
  let current: Link | undefined
  const connected = Latch.makeUnsafe(false)
  return Socket.make({
    reader: Effect.gen(function* () {
      const link = yield* dial
      current = link
      connected.openUnsafe()
      yield* Scope.addFinalizer(
        yield* Effect.scope,
        Effect.sync(() => {
          connected.closeUnsafe()
          current = undefined
          link.toServer.close("ended")
          link.toClient.close("broken")
        })
      )
      const pull = Effect.andThen(
        link.toClient.readable.await,
        Effect.suspend((): Effect.Effect<[Uint8Array, ...Array<Uint8Array>], Socket.SocketError> => {
          const first = link.toClient.shift()
          if (first === undefined)
            return link.toClient.closed === undefined ? pull : Effect.fail(closeReason(link.toClient))
          const chunks: [Uint8Array, ...Array<Uint8Array>] = [first]
          for (let next = link.toClient.shift(); next !== undefined; next = link.toClient.shift()) chunks.push(next)
          return Effect.succeed(chunks)
        })
      )
      return { pull, upgrade: Socket.SocketUpgradeError.unsupported }
    }),
    writer: Effect.sync((): Socket.Writer => {
      const writeAll: Socket.Writer["writeAll"] = (chunks) =>
        Effect.andThen(
          connected.await,
          Effect.suspend(() => {
            const pipe = current?.toServer
            if (pipe === undefined) return writeAll(chunks)
            if (pipe.closed !== undefined) return Effect.fail(closeReason(pipe))
            pipe.write(chunks)
            return pipe.writable.await
          })
        )
      return {
        writeAll,
        write: (chunk) =>
          Socket.isCloseEvent(chunk) ? Effect.sync(() => current?.toServer.close("ended")) : writeAll([chunk])
      }
    })
  })
}

const wildcards = new Set(["0.0.0.0", "::"])

const keyOf = (address: Network.Address): string =>
  address._tag === "Tcp" && address.host === "localhost"
    ? Network.format(Network.tcp("127.0.0.1", address.port))
    : Network.format(address)

const make = Effect.sync(() => {
  const places = new Map<string, Place>()
  let nextPort = firstEphemeralPort

  const placeOf = (address: Network.Address): Place => {
    const key = keyOf(address)
    let place = places.get(key)
    if (place === undefined) {
      place = new Place()
      places.set(key, place)
    }
    return place
  }

  const whoListens = (address: Network.Address): Bound | undefined => {
    const exact = placeOf(address).bound
    if (exact !== undefined || address._tag === "Unix") return exact
    for (const { bound } of places.values()) {
      if (bound?.address._tag === "Tcp" && bound.address.port === address.port && wildcards.has(bound.address.host)) {
        return bound
      }
    }
    return undefined
  }

  const dial = (address: Network.Address) =>
    Effect.gen(function* () {
      const place = placeOf(address)
      yield* place.thawed.await
      const bound = whoListens(address)
      if (bound === undefined) {
        const cause = new Error(`connection to ${Network.format(address)} refused: nobody listens there`)
        return yield* socketError(new Socket.SocketOpenError({ kind: "Unknown", cause }))
      }
      const link = new Link()
      place.links.add(link)
      yield* Scope.addFinalizer(
        yield* Effect.scope,
        Effect.sync(() => place.links.delete(link))
      )
      const connection =
        address._tag === "Unix" ? connectionOf(link, "unix", 0) : connectionOf(link, "127.0.0.1", nextPort++)
      Queue.offerUnsafe(bound.backlog, connection)
      return link
    })

  const bind = (asked: Network.Address) =>
    Effect.acquireRelease(
      Effect.suspend(() => {
        const address = asked._tag === "Tcp" && asked.port === 0 ? Network.tcp(asked.host, nextPort++) : asked
        const place = placeOf(address)
        if (place.bound !== undefined) {
          return Effect.fail(
            new Network.NetworkError({
              operation: "listen",
              address: Network.format(address),
              hint: "Somebody else listens there; choose another port",
              cause: new Error("address in use")
            })
          )
        }
        return Effect.map(
          Queue.unbounded<Network.Connection>(),
          (backlog): Bound => (place.bound = { address, backlog })
        )
      }),
      ({ address, backlog }) =>
        Effect.sync(() => {
          placeOf(address).bound = undefined
          for (let left = Queue.takeUnsafe(backlog); left?._tag === "Success"; left = Queue.takeUnsafe(backlog)) {
            left.value.destroy()
          }
        })
    )

  const listenerOf = ({ address, backlog }: Bound): Network.Listener => ({
    address,
    run: (handler) =>
      Effect.scoped(
        Effect.gen(function* () {
          const handlers = yield* FiberSet.make<void>()
          return yield* Effect.forever(
            Effect.flatMap(Queue.take(backlog), (connection) => FiberSet.run(handlers, handler(connection)))
          )
        })
      )
  })

  const network = Network.Network.of({
    listen: (address) => Effect.map(bind(address), listenerOf),
    connect: (address) => Effect.sync(() => socketOf(dial(address)))
  })

  const control = MemoryNetwork.of({
    reset: (address) =>
      Effect.sync(() => {
        for (const link of [...placeOf(address).links]) link.break()
      }),
    freeze: (address) =>
      Effect.sync(() => {
        const place = placeOf(address)
        place.thawed.closeUnsafe()
        for (const link of place.links) link.setFrozen(true)
      }),
    thaw: (address) =>
      Effect.sync(() => {
        const place = placeOf(address)
        place.thawed.openUnsafe()
        for (const link of [...place.links]) link.setFrozen(false)
      })
  })

  return Context.add(Context.make(Network.Network, network), MemoryNetwork, control)
})

/**
 * A network of its own, with nobody on it. Whatever is built on one such layer can
 * talk to each other.
 *
 * @example
 * ```ts
 * import * as Client from "effect-gearman/Client"
 * import * as Layer from "effect/Layer"
 * import * as MemoryNetwork from "effect-gearman/MemoryNetwork"
 *
 * const clientTest = Client.layer({ servers: ["127.0.0.1:4730"] }).pipe(Layer.provide(MemoryNetwork.layer))
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layer: Layer.Layer<Network.Network | MemoryNetwork> = Layer.effectContext(make)
