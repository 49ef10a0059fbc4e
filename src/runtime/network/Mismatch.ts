/**
 * Why a server that is there says nothing that we understand: one side speaks TLS and the other
 * does not, or the server turns us away. It shows by what comes first over a connection.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Socket from "effect/socket/Socket"

/**
 * One side speaks TLS and the other does not. It is the cause of a `NoServer`, at the end of the
 * causes.
 *
 * @example
 * ```ts
 * import { NodeNetwork } from "effect-gearman/node"
 *
 * const advice = (cause: unknown) =>
 *   cause instanceof NodeNetwork.TlsMismatch ? `the server speaks ${cause.server}` : "no idea"
 * ```
 *
 * @since 0.1.0
 * @category errors
 */
export class TlsMismatch extends Schema.TaggedError<TlsMismatch>("effect-gearman/TlsMismatch")("TlsMismatch", {
  /** What the server speaks. */
  server: Schema.Literals(["tls", "plain"]),
  cause: Schema.optional(Schema.Defect())
}) {
  override get message() {
    return this.server === "tls"
      ? "it speaks TLS there: connect with TLS (clientTls of NodeNetwork, or --ssl)"
      : "it speaks no TLS there: connect without (no clientTls, no --ssl), or to its TLS port"
  }
}

/**
 * The server closed the connection before it had said anything: it may have turned us away.
 *
 * @example
 * ```ts
 * import { NodeNetwork } from "effect-gearman/node"
 *
 * const isTurnedAway = (cause: unknown) => cause instanceof NodeNetwork.Unanswered
 * ```
 *
 * @since 0.1.0
 * @category errors
 */
export class Unanswered extends Schema.TaggedError<Unanswered>("effect-gearman/Unanswered")("Unanswered", {
  /** Whether we spoke TLS, and whether its handshake was done. */
  phase: Schema.Literals(["plain", "handshake", "tls"]),
  cause: Schema.Defect()
}) {
  override get message() {
    const guess = {
      plain: "it may expect TLS (clientTls of NodeNetwork, or --ssl)",
      handshake: "it may speak no TLS there",
      tls: "it may not accept our certificate, or want one"
    }[this.phase]
    return `it closed the connection before it said anything: ${guess}, or be at a limit; its log may tell`
  }
}

/** The code of the ERROR that our TLS ports answer in the clear to those who speak no TLS. */
export const tlsRequiredCode = "TLS_REQUIRED"

const opening = (cause: TlsMismatch | Unanswered) =>
  new Socket.SocketError({ reason: new Socket.SocketOpenError({ kind: "Unknown", cause }) })

/** OpenSSL's words for an answer that is no TLS. */
const noTls = new Set(["ERR_SSL_WRONG_VERSION_NUMBER", "ERR_SSL_PACKET_LENGTH_TOO_LONG"])

const codeOf = ({ reason }: Socket.SocketError): string | undefined =>
  "cause" in reason ? (reason.cause as NodeJS.ErrnoException | undefined)?.code : undefined

const isClosing = (error: Socket.SocketError): boolean =>
  error.reason._tag === "SocketCloseError" ||
  (error.reason._tag === "SocketReadError" && codeOf(error) === "ECONNRESET")

/** An alert of TLS, or our own server's word. */
const asksForTls = (first: Uint8Array | string | undefined): boolean => {
  if (!(first instanceof Uint8Array)) return false
  if (first[0] === 0x15 && first[1] === 3) return true
  const isError = first[0] === 0 && first[1] === 0x52 && first[7] === 0x13
  return isError && Buffer.from(first).includes(`${tlsRequiredCode}\0`)
}

/** The socket, whose first error or bytes say more where they show such a cause. */
export const explained = (socket: Socket.Socket, isTls: boolean): Socket.Socket =>
  Socket.make({
    writer: socket.writer,
    reader: Effect.map(
      Effect.mapError(socket.reader, (error) => {
        if (!isTls || error.reason._tag !== "SocketOpenError") return error
        const code = codeOf(error)
        if (noTls.has(code ?? "")) return opening(new TlsMismatch({ server: "plain", cause: error.reason.cause }))
        return code === "ECONNRESET" ? opening(new Unanswered({ phase: "handshake", cause: error })) : error
      }),
      (reader): Socket.Reader => {
        let pull = reader.pull.pipe(
          Effect.mapError((error) =>
            isClosing(error) ? opening(new Unanswered({ phase: isTls ? "tls" : "plain", cause: error })) : error
          ),
          Effect.flatMap((chunks) => {
            pull = reader.pull
            return !isTls && asksForTls(chunks[0])
              ? Effect.fail(opening(new TlsMismatch({ server: "tls" })))
              : Effect.succeed(chunks)
          })
        )
        return { upgrade: reader.upgrade, pull: Effect.suspend(() => pull) }
      }
    )
  })
