/**
 * The flags by which every command but `server` is told its job servers, and their
 * order: flags, then `GEARMAN_SERVERS`, then `GEARMAN_SERVER`, then the default address.
 */
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Flag from "effect/cli/Flag"
import * as Network from "../../protocol/Network.ts"

/** The flags; `--host` and `--port` are those of the `gearman` and `gearadmin` tools. */
export const flags = {
  server: Flag.String("server").pipe(
    Flag.withAlias("s"),
    Flag.withMetavar("HOST:PORT"),
    Flag.withDescription(
      "A job server; may be given several times or as a list with commas [GEARMAN_SERVERS, then 127.0.0.1:4730]"
    ),
    Flag.atLeast(0)
  ),
  host: Flag.String("host").pipe(Flag.withDescription("Host of the one job server"), Flag.optional),
  port: Flag.Int("port").pipe(Flag.withAlias("p"), Flag.withDescription("Port of the one job server"), Flag.optional)
}

/** What the flags gave. */
export interface Given {
  readonly server: ReadonlyArray<string>
  readonly host: Option.Option<string>
  readonly port: Option.Option<number>
}

const variable = (name: string) => Config.String(name).pipe(Config.withDefault(""))

const split = (list: string): ReadonlyArray<string> => list.split(/[\s,]+/).filter((text) => text !== "")

/** The addresses, each valid. */
export const resolve = Effect.fnUntraced(function* (given: Given) {
  const texts = given.server.flatMap(split)
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
