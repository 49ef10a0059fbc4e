/**
 * Listening on Node sockets: binds every address a host name stands for, accepts
 * within limits, and runs a handler's fiber per connection.
 */
import * as Effect from "effect/Effect"
import * as FiberSet from "effect/FiberSet"
import type * as Scope from "effect/Scope"
import * as Dns from "node:dns"
import * as Fs from "node:fs"
import * as Net from "node:net"
import * as Network from "../../protocol/Network.ts"
import { NodeConnection, type Observer, peerOf } from "./NodeConnection.ts"
import { Silence } from "./Silence.ts"
import * as Tls from "./Tls.ts"

/**
 * What a listener accepts.
 */
export interface ListenOptions {
  /** What all listeners of the network hold together. */
  readonly held: Held
  /** Connections held at once, in all. */
  readonly maxConnections: number
  /** Connections held at once from one IP address; Unix sockets count as one address. */
  readonly maxConnectionsPerAddress: number
  /** Accepted connections the kernel may hold before they are taken. */
  readonly backlog: number
  /** Seconds of silence after which the kernel asks a peer whether it is there. */
  readonly keepAliveSeconds: number
  /** Time a peer has for the TLS handshake, and then to say anything at all. */
  readonly handshakeMillis: number
  readonly tls: ServerTls | undefined
  /** Told of each connection that was closed because a limit was reached. */
  readonly onRefused: (peerHost: string, limit: Limit) => void
}

/** Connections that are held, in all and by peer address. */
export interface Held {
  all: number
  readonly byAddress: Map<string, number>
}

/** What may be reached by a connection that is only just there. */
export const limits = ["maxConnections", "maxConnectionsPerAddress", "handshakeTimeout"] as const

/** What a connection was closed for. */
export type Limit = (typeof limits)[number]

/** TLS on a listener. */
export interface ServerTls extends Tls.ServerFiles {
  /** Whether a listener speaks it. Default: all do. */
  readonly isOn?: ((address: Network.Address) => boolean) | undefined
  /** Given, once it listens, the way to read the files again. */
  readonly onListening?: ((reload: Effect.Effect<void, Tls.InvalidCertificate>) => void) | undefined
  /** Told whose handshake failed, and why; of those that took too long, `onRefused` is told. */
  readonly onFailed?: ((peerHost: string, problem: string) => void) | undefined
}

/** Errors of `accept` that pass: descriptors may be free again a moment later. */
const passing = new Set(["EMFILE", "ENFILE", "ECONNABORTED", "ECONNRESET", "EINTR", "ENOBUFS", "ENOMEM", "EPROTO"])

const hintFor = (address: Network.Address, code: string | undefined): string | undefined => {
  switch (code) {
    case "EADDRINUSE":
      return address._tag === "Tcp"
        ? `Port ${address.port} is in use by another process; stop it or choose another port`
        : "Another process listens on this socket; stop it or choose another path"
    case "EACCES":
    case "EPERM":
      return address._tag === "Tcp"
        ? `Binding port ${address.port} needs a privilege this user lacks; ports from 1024 up need none`
        : "There is no such folder, or this user may not create a socket in it"
    case "EADDRNOTAVAIL":
      return "This machine has no such address"
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return "The host name is unknown; give an IP address or a name this machine can resolve"
    default:
      return undefined
  }
}

const failure = (operation: "listen" | "accept", address: Network.Address) => (cause: unknown) => {
  const hint = hintFor(address, (cause as NodeJS.ErrnoException | undefined)?.code)
  return new Network.NetworkError({
    operation,
    address: Network.format(address),
    cause,
    ...(hint === undefined ? {} : { hint })
  })
}

/** `*` is every address of the machine, of both families where it has both. */
const resolve = (address: Network.Address): Effect.Effect<ReadonlyArray<Net.ListenOptions>, Network.NetworkError> => {
  if (address._tag === "Unix") return Effect.succeed([{ path: address.path }])
  const { host, port } = address
  if (host === "*") return Effect.succeed([{ port }])
  if (Net.isIP(host) !== 0) return Effect.succeed([{ host, port }])
  return Effect.callback((resume) => {
    Dns.lookup(host, { all: true }, (error, found) => {
      resume(
        error === null
          ? Effect.succeed(found.map(({ address }) => ({ host: address, port })))
          : Effect.fail(failure("listen", address)(error))
      )
    })
  })
}

const bind = (server: Net.Server, options: Net.ListenOptions): Effect.Effect<void, Error> =>
  Effect.callback((resume) => {
    const onError = (error: Error) => resume(Effect.fail(error))
    server.once("error", onError)
    server.listen(options, () => {
      server.off("error", onError)
      resume(Effect.void)
    })
  })

/** A socket file whose server is gone answers nobody and would refuse the address for ever. */
const removeStale = (path: string): Effect.Effect<void> =>
  Effect.callback((resume) => {
    if (!Fs.existsSync(path)) return resume(Effect.void)
    const probe = Net.connect(path)
    probe.once("connect", () => {
      probe.destroy()
      resume(Effect.void)
    })
    probe.once("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "ECONNREFUSED") Fs.rmSync(path, { force: true })
      resume(Effect.void)
    })
  })

/**
 * Binds the address. Connections that arrive before `run` wait, unread.
 */
export const listen = Effect.fnUntraced(function* (
  address: Network.Address,
  options: ListenOptions
): Effect.fn.Return<Network.Listener, Network.NetworkError, Scope.Scope> {
  const listenOptions = yield* resolve(address)
  if (address._tag === "Unix") yield* removeStale(address.path)
  const { held } = options
  let early: Array<NodeConnection> | undefined = []
  let accept = (connection: NodeConnection): void => void early?.push(connection)
  let fail: (cause: Error) => void = () => {}

  const silence = new Silence<NodeConnection>(options.handshakeMillis, (connection) => {
    options.onRefused(connection.peerHost, "handshakeTimeout")
    connection.destroy()
  })
  const leave = (peer: string) => {
    held.all--
    const left = held.byAddress.get(peer)! - 1
    if (left === 0) held.byAddress.delete(peer)
    else held.byAddress.set(peer, left)
  }
  const tls = options.tls?.isOn?.(address) === false ? undefined : options.tls
  const acceptor =
    tls === undefined
      ? undefined
      : yield* Effect.mapError(
          Tls.makeAcceptor({
            files: tls,
            handshakeMillis: options.handshakeMillis,
            onAccepted: (socket) => onAccepted(socket),
            onFailed: (peer, problem, isLate) =>
              isLate ? options.onRefused(peer, "handshakeTimeout") : tls.onFailed?.(peer, problem)
          }),
          failure("listen", address)
        )

  const observer: Observer = {
    spoke: (connection) => silence.end(connection),
    closed: (connection) => {
      silence.end(connection)
      // A socket counts while TLS shakes hands, too, and is then watched itself.
      if (acceptor === undefined) leave(connection.peerHost)
    }
  }
  const onAccepted = (socket: Net.Socket) => {
    const connection = new NodeConnection(socket, observer)
    silence.begin(connection)
    accept(connection)
  }
  const onConnection = (socket: Net.Socket) => {
    const peer = peerOf(socket)
    const ofPeer = held.byAddress.get(peer) ?? 0
    if (held.all >= options.maxConnections || ofPeer >= options.maxConnectionsPerAddress) {
      options.onRefused(peer, held.all >= options.maxConnections ? "maxConnections" : "maxConnectionsPerAddress")
      socket.destroy()
      return
    }
    held.all++
    held.byAddress.set(peer, ofPeer + 1)
    if (acceptor === undefined) return onAccepted(socket)
    socket.once("close", () => leave(peer))
    acceptor.accept(socket)
  }

  let bound: Network.Address | undefined
  for (const candidate of listenOptions) {
    const server = Net.createServer({
      pauseOnConnect: acceptor === undefined,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: options.keepAliveSeconds * 1_000
    })
    server.on("connection", onConnection)
    // All addresses of one name share the port that the first one was given.
    const port = bound?._tag === "Tcp" ? bound.port : candidate.port
    const attempt = bind(server, { ...candidate, ...(port === undefined ? {} : { port }), backlog: options.backlog })
    const isLaterOne = bound !== undefined
    const isBound = yield* Effect.as(attempt, true).pipe(
      // `localhost` may name an IPv6 address that this machine does not have.
      Effect.catchIf(
        (error) =>
          isLaterOne && ["EADDRNOTAVAIL", "EAFNOSUPPORT"].includes((error as NodeJS.ErrnoException).code ?? ""),
        () => Effect.succeed(false)
      ),
      Effect.mapError(failure("listen", address))
    )
    if (!isBound) continue
    yield* Effect.addFinalizer(() => Effect.sync(() => void server.close()))
    server.on("error", (error: NodeJS.ErrnoException) => {
      if (!passing.has(error.code ?? "")) fail(error)
    })
    const at = server.address()
    bound ??=
      at === null || typeof at === "string" || address._tag === "Unix" ? address : Network.tcp(address.host, at.port)
  }
  yield* Effect.addFinalizer(() =>
    Effect.sync(() => {
      for (const connection of early ?? []) connection.destroy()
      early = undefined
    })
  )

  const run: Network.Listener["run"] = <R>(
    handler: (connection: Network.Connection) => Effect.Effect<void, never, R>
  ) =>
    Effect.scoped(
      Effect.gen(function* () {
        const fork = yield* FiberSet.makeRuntime<R>()
        return yield* Effect.callback<never, Network.NetworkError>((resume) => {
          fail = (cause) => resume(Effect.fail(failure("accept", address)(cause)))
          accept = (connection) => {
            const end = () => {
              connection.end()
              return Effect.void
            }
            fork(Effect.onExit(handler(connection), end))
          }
          const waiting = early ?? []
          early = undefined
          for (const connection of waiting) accept(connection)
          return Effect.sync(() => {
            accept = (connection) => connection.destroy()
          })
        })
      })
    ) as Effect.Effect<never, Network.NetworkError, R>

  if (acceptor !== undefined) tls!.onListening?.(acceptor.reload)
  return { address: bound ?? address, run }
})
