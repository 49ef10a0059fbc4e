/**
 * TLS for both sides: whole connections, from the first byte, versions 1.2 and 1.3. A
 * server reads its files again on demand; connections there are keep what they have.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Fs from "node:fs"
import type * as Net from "node:net"
import * as Tls from "node:tls"
import * as Codec from "../../protocol/Codec.ts"
import * as Packet from "../../protocol/Packet.ts"
import { asTimer } from "../Timers.ts"
import { tlsRequiredCode } from "./Mismatch.ts"

/**
 * The files of a server.
 *
 * @since 0.1.0
 * @category models
 */
export interface ServerFiles {
  /** The certificate, followed by those that lead to an authority, in PEM. */
  readonly certificate: string
  readonly key: string
  /** Authorities for client certificates. Given, a client without a valid one is turned away. */
  readonly authorities?: string | undefined
}

/**
 * What a client checks and shows.
 *
 * @since 0.1.0
 * @category models
 */
export interface ClientFiles {
  /** Authorities that may have signed the server's certificate. Default: those of this machine. */
  readonly authorities?: string | undefined
  /** The client's own certificate and key, where the server asks for one. */
  readonly certificate?: string | undefined
  readonly key?: string | undefined
  /** The name in the server's certificate, where it is not the host that is dialled. */
  readonly serverName?: string | undefined
}

/**
 * A certificate, key or authority that cannot be used, and why.
 *
 * @since 0.1.0
 * @category errors
 */
export class InvalidCertificate extends Schema.TaggedError<InvalidCertificate>("effect-gearman/InvalidCertificate")(
  "InvalidCertificate",
  { files: Schema.Array(Schema.String), cause: Schema.Defect() }
) {
  override get message() {
    const detail = this.cause instanceof Error ? this.cause.message : String(this.cause)
    return `cannot use the TLS files ${this.files.join(", ")}: ${detail}`
  }
}

const present = (files: ReadonlyArray<string | undefined>): Array<string> => files.filter((file) => file !== undefined)

/** Reads the files and sees whether they fit together. */
export const contextOf = (
  files: ServerFiles | ClientFiles
): Effect.Effect<Tls.SecureContextOptions, InvalidCertificate> =>
  Effect.try({
    try: () => {
      const options: Tls.SecureContextOptions = {
        minVersion: "TLSv1.2",
        ...(files.certificate === undefined ? {} : { cert: Fs.readFileSync(files.certificate) }),
        ...(files.key === undefined ? {} : { key: Fs.readFileSync(files.key) }),
        ...(files.authorities === undefined ? {} : { ca: Fs.readFileSync(files.authorities) })
      }
      Tls.createSecureContext(options)
      // OpenSSL takes a file without any, and then trusts nobody.
      if (options.ca !== undefined && !String(options.ca).includes("CERTIFICATE-----"))
        throw new Error(`${files.authorities} holds no certificate`)
      return options
    },
    catch: (cause) =>
      new InvalidCertificate({ files: present([files.certificate, files.key, files.authorities]), cause })
  })

const nobody: ReadonlyArray<string> = []

const sanPattern = /(?:^|, )(?:DNS|URI|email|IP Address):("(?:[^"\\]|\\.)*"|[^,]*)/g

/**
 * The names in a peer's certificate that was checked: its common name first, then its
 * alternative names.
 */
export const namesOf = (socket: Net.Socket): ReadonlyArray<string> => {
  if (!(socket instanceof Tls.TLSSocket) || !socket.authorized) return nobody
  const { subject, subjectaltname = "" } = socket.getPeerCertificate()
  const common: string | Array<string> = subject?.CN ?? []
  // A name that holds a comma comes quoted, so that it cannot pass for two.
  const alternative = Array.from(subjectaltname.matchAll(sanPattern), ([, name]) =>
    name!.startsWith('"') ? String(JSON.parse(name!)) : name!
  )
  return [...(typeof common === "string" ? [common] : common), ...alternative]
}

/** A server's end of TLS. */
export interface Acceptor {
  /** Shakes hands on an accepted socket; `onAccepted` hears of it only if that succeeds in time. */
  readonly accept: (socket: Net.Socket) => void
  /** Uses what the files say now, for connections to come. */
  readonly reload: Effect.Effect<void, InvalidCertificate>
}

/** Told who failed to shake hands, why, and whether it took too long. */
export type OnFailed = (peerHost: string, problem: string, isLate: boolean) => void

/** An ERROR, which every client understands; to a person at a terminal its text says the same. */
const tlsRequired = Codec.encode(
  Packet.response("ERROR", { code: tlsRequiredCode, text: "This port speaks TLS only; connect with TLS\n" })
)

const isLate = (error: NodeJS.ErrnoException): boolean => error.code === "ERR_TLS_HANDSHAKE_TIMEOUT"

/** Codes of OpenSSL for first bytes that are no TLS. */
const speaksPlainly = new Set(["ERR_SSL_WRONG_VERSION_NUMBER", "ERR_SSL_HTTP_REQUEST"])

/** Without the place in OpenSSL's sources, and with what Node keeps to itself: that it did not like the certificate. */
const problemOf = (error: Error, socket: Tls.TLSSocket): string => {
  const unauthorized: unknown = socket.authorizationError
  if (typeof unauthorized === "string") return `no authority of ours vouches for its certificate (${unauthorized})`
  const { code, reason } = error as { readonly code?: string; readonly reason?: unknown }
  if (speaksPlainly.has(code ?? "")) return "it speaks no TLS"
  return typeof reason === "string" ? reason : error.message
}

/**
 * Makes an acceptor. Handshakes run beside everything else: one that takes its time costs
 * nobody anything, and is cut after the limit.
 */
export const makeAcceptor = Effect.fnUntraced(function* (options: {
  readonly files: ServerFiles
  readonly handshakeMillis: number
  readonly onAccepted: (socket: Net.Socket) => void
  readonly onFailed: OnFailed
}) {
  const { authorities } = options.files
  const server = Tls.createServer({
    ...(yield* contextOf(options.files)),
    handshakeTimeout: asTimer(options.handshakeMillis),
    requestCert: authorities !== undefined,
    rejectUnauthorized: authorities !== undefined
  })
  server.on("secureConnection", options.onAccepted)
  server.on("tlsClientError", (error: NodeJS.ErrnoException, socket) => {
    // What was wrapped still knows its peer when the connection is gone already.
    const wrapped = (socket as { readonly _parent?: Net.Socket })._parent
    options.onFailed((wrapped ?? socket).remoteAddress ?? "unix", problemOf(error, socket), isLate(error))
    // In the clear, for OpenSSL sends no alert to those who speak no TLS at all.
    if (speaksPlainly.has(error.code ?? "")) wrapped?.write(tlsRequired, () => socket.destroy())
    else socket.destroy()
  })
  const acceptor: Acceptor = {
    accept: (socket) => void server.emit("connection", socket),
    reload: Effect.map(contextOf(options.files), (context) => server.setSecureContext(context))
  }
  return acceptor
})
