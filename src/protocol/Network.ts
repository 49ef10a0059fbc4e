/**
 * The network the job server, client and worker are written against. Two worlds
 * provide it: real Node sockets, and the simulator's byte pipes. A third, in memory,
 * serves people's own tests.
 *
 * Whoever dials gets Effect's own `Socket`. Whoever listens gets a `Connection`,
 * which differs from Effect's reader in one point that the job server's cost depends
 * on: bytes arrive in a synchronous handler, so a packet costs no fiber hop.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type * as Socket from "effect/socket/Socket"

/**
 * Where to listen or to dial: a TCP host (a name or an IP address) and port, or the
 * path of a Unix socket. Port 0 listens on any free port.
 *
 * @since 0.1.0
 * @category models
 */
export type Address =
  | { readonly _tag: "Tcp"; readonly host: string; readonly port: number }
  | { readonly _tag: "Unix"; readonly path: string }

/**
 * The port the protocol has been assigned.
 *
 * @example
 * ```ts
 * import * as Network from "effect-gearman/Network"
 *
 * const address = Network.parse("10.0.0.1") // port 4730
 * ```
 *
 * @since 0.1.0
 * @category constants
 */
export const defaultPort = 4730

/**
 * A TCP address.
 *
 * @example
 * ```ts
 * import * as Network from "effect-gearman/Network"
 *
 * const address = Network.tcp("10.0.0.1") // 10.0.0.1:4730
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const tcp = (host: string, port: number = defaultPort): Address => ({ _tag: "Tcp", host, port })

/**
 * A Unix socket's address.
 *
 * @example
 * ```ts
 * import * as Network from "effect-gearman/Network"
 *
 * const address = Network.unix("/run/gearmand.sock") // unix:/run/gearmand.sock
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const unix = (path: string): Address => ({ _tag: "Unix", path })

/**
 * An address as people write it: `host:port`, `[::1]:port`, or `unix:/path`. This is
 * also the text that clients hash, so it must not depend on anything else.
 *
 * @example
 * ```ts
 * import * as Network from "effect-gearman/Network"
 *
 * const text = Network.format(Network.tcp("::1", 4731)) // "[::1]:4731"
 * ```
 *
 * @since 0.1.0
 * @category conversions
 */
export const format = (address: Address): string =>
  address._tag === "Unix"
    ? `unix:${address.path}`
    : address.host.includes(":")
      ? `[${address.host}]:${address.port}`
      : `${address.host}:${address.port}`

/**
 * A text that is no address.
 *
 * @example
 * ```ts
 * import * as Client from "effect-gearman/Client"
 * import * as Effect from "effect/Effect"
 * import * as Layer from "effect/Layer"
 *
 * const clientLive = Client.layer({ servers: (process.env["SERVERS"] ?? "").split(",") }).pipe(
 *   Layer.catchTag("InvalidAddress", ({ message }) => Layer.effectDiscard(Effect.logError(message)))
 * )
 * ```
 *
 * @since 0.1.0
 * @category errors
 */
export class InvalidAddress extends Schema.TaggedError<InvalidAddress>("effect-gearman/Network/InvalidAddress")(
  "InvalidAddress",
  {
    input: Schema.String,
    /** What is wrong, where that can be told. */
    problem: Schema.optional(Schema.String)
  }
) {
  override get message() {
    if (this.problem !== undefined) return this.problem
    return `"${this.input}" is no address; write host, host:port, [ipv6]:port or unix:/path, with a port from 0 to 65535`
  }
}

/** Eight groups of digits, or fewer where `::` stands for the missing ones; the last two may be an IPv4 address. */
const isIpv6 = (text: string): boolean => {
  const [before = "", after, more] = text.replace(/:(?:\d{1,3}\.){3}\d{1,3}$/, ":0:0").split("::")
  const groups = [before, after ?? ""].filter((part) => part !== "").flatMap((part) => part.split(":"))
  const isFull = after === undefined ? groups.length === 8 : groups.length < 8
  return more === undefined && isFull && groups.every((group) => /^[\da-f]{1,4}$/i.test(group))
}

/**
 * Reads what `format` writes; the port may be left out and is then 4730.
 *
 * @example
 * ```ts
 * import * as Network from "effect-gearman/Network"
 *
 * const address = Network.parse("[::1]:4731")
 * const text = address._tag === "InvalidAddress" ? address.message : Network.format(address)
 * ```
 *
 * @since 0.1.0
 * @category conversions
 */
export const parse = (input: string): Address | InvalidAddress => {
  const text = input.trim()
  if (text.startsWith("unix:")) {
    return text.length > 5 ? unix(text.slice(5)) : new InvalidAddress({ input })
  }
  const match = /^(?:\[([^\]]+)\]|([^:/\s]+))(?::(\d{1,5}))?$/.exec(text)
  const host = match?.[1] ?? match?.[2]
  // A bare IPv6 address cannot carry a port.
  if (match === null || host === undefined) return isIpv6(text) ? tcp(text) : new InvalidAddress({ input })
  const port = match[3] === undefined ? defaultPort : Number(match[3])
  return port > 65535 ? new InvalidAddress({ input }) : tcp(host, port)
}

/**
 * Why the network refused: what was tried, on which address, and the cause.
 *
 * @example
 * ```ts
 * import * as Effect from "effect/Effect"
 * import * as JobServer from "effect-gearman/JobServer"
 *
 * const server = JobServer.serve({}).pipe(
 *   Effect.catchTag("NetworkError", ({ hint, message }) => Effect.logError(message, hint))
 * )
 * ```
 *
 * @since 0.1.0
 * @category errors
 */
export class NetworkError extends Schema.TaggedError<NetworkError>("effect-gearman/Network/NetworkError")(
  "NetworkError",
  {
    operation: Schema.Literals(["listen", "accept", "receive"]),
    address: Schema.String,
    /** What to do about it, where that can be told. */
    hint: Schema.optional(Schema.String),
    cause: Schema.Defect()
  }
) {
  override get message() {
    const detail = this.cause instanceof Error ? this.cause.message : String(this.cause)
    return `cannot ${this.operation} on ${this.address}: ${detail}${this.hint === undefined ? "" : `. ${this.hint}`}`
  }
}

/**
 * Work that is better done when nothing more has come meanwhile, or a moment has passed.
 *
 * @since 0.1.0
 * @category models
 */
export type Later = () => void

/**
 * How an accepted connection reads.
 *
 * @since 0.1.0
 * @category models
 */
export interface ReceiveOptions {
  /**
   * Reading pauses while more than this many bytes of output wait for the peer, and
   * goes on when at most half of it does: whoever asks without reading the answers
   * slows down itself and nobody else.
   */
  readonly pauseAboveBytes: number
  /**
   * Called after bytes were handed over and before anything more is waited for. Where
   * bytes of several connections have come together it is called once for all whose
   * `afterBytes` is one and the same function, so that what they say to each other
   * leaves in few large pieces. What it returns is called later, once. It is told if more
   * is likely to come at once: then it may leave for later what nobody hurries for.
   */
  readonly afterBytes?: ((isBusy?: boolean) => Later | undefined) | undefined
}

/**
 * An accepted connection, driven without suspending.
 *
 * @since 0.1.0
 * @category models
 */
export interface Connection {
  /** The peer as `workers` shows it: an IP address, or the text `unix`. */
  readonly peerHost: string
  /** The peer's port, or 0. */
  readonly peerPort: number
  /**
   * Names that the peer has proved to have, by a certificate that was checked; the first is
   * for people. None where it has shown nothing.
   */
  readonly peerNames?: ReadonlyArray<string> | undefined
  /**
   * Reads until the peer has ended or the connection is lost, handing each batch of
   * bytes to the handler, synchronously and in order. The bytes are valid only during
   * the call. Succeeds when the peer ended in order, fails when the connection broke.
   * When the effect ends, for whatever reason, the connection is closed.
   */
  readonly receive: (
    onBytes: (bytes: Uint8Array) => void,
    options: ReceiveOptions
  ) => Effect.Effect<void, Socket.SocketError>
  /**
   * Gives bytes to the transport, in order, all together where it can. Never suspends
   * and never fails: what cannot be sent is dropped, and `receive` tells that the
   * connection is gone. The buffers belong to the transport until `unsentBytes` is 0.
   */
  readonly send: (chunks: ReadonlyArray<Uint8Array>) => void
  /** Bytes given to `send` that the peer's side has not taken yet. */
  readonly unsentBytes: () => number
  /**
   * Whether the peer is left unheard for the time being: what it sends, and its goodbye,
   * wait until it is heard again. A hint, which keeps what waits in order and small.
   */
  readonly hold?: ((isHeld: boolean) => void) | undefined
  /**
   * From now on, has the network ask the peer's machine whether it is there when nothing
   * was heard for so many milliseconds, and breaks the connection when it is not. The peer
   * itself notices nothing.
   */
  readonly probe?: ((silenceMillis: number) => void) | undefined
  /** Sends what is waiting, then closes. `receive` then ends. */
  readonly end: () => void
  /** Closes at once; what is waiting is lost. `receive` then ends. */
  readonly destroy: () => void
}

/**
 * A bound listener.
 *
 * @since 0.1.0
 * @category models
 */
export interface Listener {
  /** The address that was bound, with the real port where 0 was asked for. */
  readonly address: Address
  /**
   * Runs the handler for each accepted connection, in a fiber of its own, for ever.
   * Interrupting it interrupts the handlers and closes their connections.
   */
  readonly run: <R>(
    handler: (connection: Connection) => Effect.Effect<void, never, R>
  ) => Effect.Effect<never, NetworkError, R>
}

/**
 * The network.
 *
 * @example
 * ```ts
 * import * as Effect from "effect/Effect"
 * import * as Network from "effect-gearman/Network"
 *
 * // What every client, worker and job server asks for, and the world it runs in provides.
 * const dial = Effect.flatMap(Network.Network, (network) => network.connect(Network.tcp("10.0.0.1")))
 * ```
 *
 * @since 0.1.0
 * @category services
 */
export class Network extends Context.Service<
  Network,
  {
    /**
     * Binds the address; closing the scope stops listening, and what was accepted goes on.
     * Fails when the address is taken or not ours.
     */
    readonly listen: (address: Address) => Effect.Effect<Listener, NetworkError, Scope.Scope>
    /**
     * A socket to the address. Nothing is dialled yet: acquiring its `reader` dials, and
     * each acquisition dials anew, resolving the name again.
     */
    readonly connect: (address: Address) => Effect.Effect<Socket.Socket>
    /** Who we are on this network, in graphic ASCII: host and process. Workers introduce themselves by it. */
    readonly processName?: string | undefined
  }
>()("effect-gearman/Network") {}
