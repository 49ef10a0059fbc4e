/**
 * The abstract network on real sockets: TCP with no delay and keep-alive, and Unix
 * sockets. Provide `layer` and the job server, the client and the worker speak to the
 * world.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Socket from "effect/socket/Socket"
import * as Net from "node:net"
import * as Os from "node:os"
import { time } from "../protocol/connection/Count.ts"
import * as Network from "../protocol/Network.ts"
import * as NodeListener from "./network/NodeListener.ts"
import * as Mismatch from "./network/Mismatch.ts"
import * as Tls from "./network/Tls.ts"

export { TlsMismatch, Unanswered } from "./network/Mismatch.ts"

/**
 * How sockets are opened and accepted.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /** How long dialling may take. Default: 10 seconds. */
  readonly openTimeout?: Duration.Input
  /**
   * Connections that all listeners hold at once. A further one is closed at once.
   * Default: 100,000, which needs about 1 GB; the process's limit of descriptors is
   * usually lower and is reached first.
   */
  readonly maxConnections?: number
  /** The same for each peer's IP address. Default: no limit of its own. */
  readonly maxConnectionsPerAddress?: number
  /** Accepted connections the kernel holds until they are taken. Default: 4096. */
  readonly backlog?: number
  /** Silence after which the kernel asks whether the peer is still there. Default: 60 seconds. */
  readonly keepAlive?: Duration.Input
  /**
   * Time an accepted peer has for its TLS handshake, and then to say anything at all.
   * Default: 60 seconds, so that connections that never speak do not add up.
   */
  readonly handshakeTimeout?: Duration.Input
  /** TLS on the listeners. Default: plain. */
  readonly serverTls?: NodeListener.ServerTls | undefined
  /** TLS when dialling. Default: plain. */
  readonly clientTls?: Tls.ClientFiles | undefined
  /** Told of each connection that was closed because a limit was reached. */
  readonly onRefused?: NodeListener.ListenOptions["onRefused"]
}

/** Loaded by the first who dials: a job server never does, and starts sooner without. */
const nodeSocket = Effect.promise(() => import("@effect/platform-node/NodeSocket"))

type NodeSocketModule = Effect.Success<typeof nodeSocket>

/** A socket that cannot be dialled: whoever acquires its reader is told why. */
const undiallable = (cause: Tls.InvalidCertificate): Socket.Socket =>
  Socket.make({
    reader: Effect.fail(new Socket.SocketError({ reason: new Socket.SocketOpenError({ kind: "Unknown", cause }) })),
    writer: Effect.succeed({ write: () => Effect.never, writeAll: () => Effect.never })
  })

const dialTls = (
  node: NodeSocketModule,
  target: Parameters<NodeSocketModule["makeNet"]>[0],
  files: Tls.ClientFiles
): Effect.Effect<Socket.Socket> => {
  const host = "host" in target ? target.host : undefined
  // A certificate's name is checked in any case; an IP address may not be sent as one.
  const servername = files.serverName ?? (host === undefined || Net.isIP(host) !== 0 ? undefined : host)
  return Effect.matchEffect(Tls.contextOf(files), {
    onFailure: (error) => Effect.succeed(undiallable(error)),
    onSuccess: (context) => node.makeTls({ ...target, ...context, ...(servername === undefined ? {} : { servername }) })
  })
}

// A host's name may hold what a worker's id may not, and be longer.
const processName = (): string =>
  `${Os.hostname()
    .replaceAll(/[^\x21-\x7e]/g, "_")
    .slice(0, 100)}:${process.pid}`

/**
 * The network of this machine.
 *
 * @example
 * ```ts
 * import * as Effect from "effect/Effect"
 * import * as Network from "effect-gearman/Network"
 * import { NodeNetwork } from "effect-gearman/node"
 *
 * const network = NodeNetwork.make({ keepAlive: "30 seconds" })
 * const program = Effect.provideService(Effect.never, Network.Network, network)
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (options: Options = {}): Network.Network["Service"] => {
  const openTimeout = time("openTimeout", options.openTimeout ?? "10 seconds")
  const keepAliveSeconds = Math.max(
    1,
    Math.ceil(Duration.toSeconds(time("keepAlive", options.keepAlive ?? "60 seconds")))
  )
  const listenOptions: NodeListener.ListenOptions = {
    held: { all: 0, byAddress: new Map() },
    maxConnections: options.maxConnections ?? 100_000,
    maxConnectionsPerAddress: options.maxConnectionsPerAddress ?? Number.POSITIVE_INFINITY,
    backlog: options.backlog ?? 4096,
    keepAliveSeconds,
    handshakeMillis: Duration.toMillis(options.handshakeTimeout ?? "60 seconds"),
    tls: options.serverTls,
    onRefused: options.onRefused ?? (() => {})
  }
  return Network.Network.of({
    processName: processName(),
    listen: (address) => NodeListener.listen(address, listenOptions),
    connect: (address) =>
      Effect.flatMap(nodeSocket, (node) => {
        const target =
          address._tag === "Unix"
            ? { path: address.path, openTimeout }
            : {
                host: address.host,
                port: address.port,
                noDelay: true,
                keepAlive: true,
                keepAliveInitialDelay: keepAliveSeconds * 1_000,
                openTimeout
              }
        const { clientTls } = options
        const socket = clientTls === undefined ? node.makeNet(target) : dialTls(node, target, clientTls)
        return Effect.map(socket, (socket) => Mismatch.explained(socket, clientTls !== undefined))
      })
  })
}

/**
 * Provides the network of this machine with the default options.
 *
 * **Example** (A job server on the default port)
 *
 * ```ts
 * import { JobServer } from "effect-gearman"
 * import { NodeNetwork } from "effect-gearman/node"
 * import { Effect } from "effect"
 *
 * const program = JobServer.serve({}).pipe(Effect.provide(NodeNetwork.layer))
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layer: Layer.Layer<Network.Network> = Layer.sync(Network.Network, () => make())

/**
 * Provides the network of this machine with limits and timeouts of your own.
 *
 * @example
 * ```ts
 * import * as Client from "effect-gearman/Client"
 * import * as Layer from "effect/Layer"
 * import { NodeNetwork } from "effect-gearman/node"
 *
 * const clientLive = Client.layer({ servers: ["127.0.0.1:4730"] }).pipe(
 *   Layer.provide(NodeNetwork.layerWith({ openTimeout: "2 seconds" }))
 * )
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layerWith = (options: Options): Layer.Layer<Network.Network> =>
  Layer.sync(Network.Network, () => make(options))
