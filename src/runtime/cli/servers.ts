/**
 * The flags by which every command but `server` is told its job servers, and how to speak
 * to them. Servers come from flags, then `GEARMAN_SERVERS`, then `GEARMAN_SERVER`, then
 * the default address; TLS files from flags, then libgearman's variables.
 */
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Flag from "effect/cli/Flag"
import * as Network from "../../protocol/Network.ts"
import * as NodeNetwork from "../NodeNetwork.ts"
import * as Admin from "./Admin.ts"
import * as Numbers from "./Numbers.ts"
import * as Output from "./Output.ts"
import { Usage } from "./Usage.ts"

const file = (name: string, description: string) =>
  Flag.String(name).pipe(Flag.withMetavar("FILE"), Flag.withDescription(description), Flag.optional)

/** The flags; `--host` and `--port` are those of the `gearman` and `gearadmin` tools. */
export const flags = {
  server: Flag.String("server").pipe(
    Flag.withMetavar("HOST:PORT"),
    Flag.withDescription(
      "A job server; may be given several times or as a list with commas [GEARMAN_SERVERS, then 127.0.0.1:4730]"
    ),
    Flag.atLeast(0)
  ),
  host: Flag.String("host").pipe(Flag.withDescription("Host of the one job server; also -h HOST"), Flag.optional),
  port: Numbers.Port("port").pipe(
    Flag.withAlias("p"),
    Flag.withDescription("Port of the one job server"),
    Flag.optional
  ),
  ssl: Flag.Boolean("ssl").pipe(
    Flag.withAlias("S"),
    Flag.withDescription("Speak TLS to the job servers"),
    Flag.withDefault(false)
  ),
  sslCaFile: file("ssl-ca-file", "Authorities that may have signed the servers' certificates [GEARMAN_CA_CERTIFICATE]"),
  sslCertificate: file("ssl-certificate", "Our own certificate, where servers ask for one [GEARMAN_CLIENT_PEM]"),
  sslKey: file("ssl-key", "The certificate's private key [GEARMAN_CLIENT_KEY]")
}

/** What the flags gave. */
export interface Given {
  readonly server: ReadonlyArray<string>
  readonly host: Option.Option<string>
  readonly port: Option.Option<number>
  readonly ssl: boolean
  readonly sslCaFile: Option.Option<string>
  readonly sslCertificate: Option.Option<string>
  readonly sslKey: Option.Option<string>
}

const variable = (name: string) => Config.String(name).pipe(Config.withDefault(""))

const split = (list: string): ReadonlyArray<string> => list.split(/[\s,]+/).filter((text) => text !== "")

/** The addresses, each valid. */
export const resolve = Effect.fnUntraced(function* (given: Given) {
  if (!given.ssl && [given.sslCaFile, given.sslCertificate, given.sslKey].some(Option.isSome)) {
    return yield* new Usage({ problem: "certificates are given, but TLS is off; give --ssl too" })
  }
  const texts = given.server.flatMap(split)
  if (given.server.length > 0 && texts.length === 0) {
    return yield* new Usage({ problem: "--server names no server; give HOST:PORT, or leave it out" })
  }
  if (texts.length > 0 && (Option.isSome(given.host) || Option.isSome(given.port))) {
    const problem = "--server and --host or --port exclude each other; give the port with the server, as in host:4730"
    return yield* new Usage({ problem })
  }
  if (texts.length === 0 && (Option.isSome(given.host) || Option.isSome(given.port))) {
    return [
      Network.tcp(
        Option.getOrElse(given.host, () => "127.0.0.1"),
        Option.getOrElse(given.port, () => Network.defaultPort)
      )
    ]
  }
  if (texts.length === 0) texts.push(...split(yield* variable("GEARMAN_SERVERS")))
  if (texts.length === 0) texts.push(...split(yield* variable("GEARMAN_SERVER")))
  if (texts.length === 0) texts.push("127.0.0.1")
  const addresses: Array<Network.Address> = []
  for (const text of texts) {
    const address = Network.parse(text)
    if (address instanceof Network.InvalidAddress) return yield* address
    addresses.push(address)
  }
  return addresses
})

const fileOf = (given: Option.Option<string>, name: string) =>
  Option.isSome(given)
    ? Effect.succeed(given.value)
    : Effect.map(variable(name), (value) => (value === "" ? undefined : value))

/** The network the command speaks over. */
export const network = (given: Given) =>
  Layer.unwrap(
    Effect.gen(function* () {
      if (!given.ssl) return NodeNetwork.layer
      const clientTls = {
        authorities: yield* fileOf(given.sslCaFile, "GEARMAN_CA_CERTIFICATE"),
        certificate: yield* fileOf(given.sslCertificate, "GEARMAN_CLIENT_PEM"),
        key: yield* fileOf(given.sslKey, "GEARMAN_CLIENT_KEY")
      }
      if ((clientTls.certificate === undefined) !== (clientTls.key === undefined)) {
        const [one, other] = clientTls.key === undefined ? ["certificate", "key"] : ["key", "certificate"]
        const problem = `a ${one} is given without its ${other}; give --ssl-${other} too`
        return yield* new Usage({ problem })
      }
      // No server is to blame for files that cannot be used.
      const { contextOf } = yield* Effect.promise(() => import("../network/Tls.ts"))
      yield* contextOf(clientTls)
      return NodeNetwork.layerWith({ clientTls })
    })
  )

/** How long a command that submits waits for any server: a person is looking on. */
export const patience = "1 second"

/**
 * Tells which servers cannot be reached just now. Workers go on dialling them for ever,
 * and a person who mistyped a name would otherwise wait in silence.
 */
export const warnUnreachable = (addresses: ReadonlyArray<Network.Address>) =>
  Effect.forEach(
    addresses,
    (address) =>
      Effect.catch(Admin.dial(address), (error) =>
        Output.printError(`effect-gearman: ${error.message}; trying again until it answers\n`)
      ),
    { concurrency: "unbounded", discard: true }
  )
