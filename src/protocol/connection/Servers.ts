/**
 * The list of job servers that someone gave, as addresses.
 */
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Network from "../Network.ts"

const invalid = (input: string, problem?: string) => new Network.InvalidAddress({ input, problem })

const noServer = () =>
  invalid("", 'no job server is given; write servers: ["host:port", …], or set GEARMAN_SERVERS=host:port,…')

/** Nobody can be dialled at what is wrong here, so it is told at once and not as a server that never comes. */
const check = (address: Network.Address): Network.Address | Network.InvalidAddress => {
  const input = Network.format(address)
  if (address._tag === "Unix") return address.path === "" ? invalid(input) : address
  const { host, port } = address
  if (host === "" || /\s/.test(host) || !(Number.isInteger(port) && port >= 0 && port <= 65535)) return invalid(input)
  return port === 0
    ? invalid(input, `"${input}" cannot be dialled: port 0 is only for listening on a free one`)
    : address
}

/** Each server once, in the order given. */
export const resolve = (
  servers: ReadonlyArray<Network.Address | string>
): Effect.Effect<ReadonlyArray<Network.Address>, Network.InvalidAddress> =>
  Effect.suspend(() => {
    // A text's characters, or what an unset variable gave, would be told as something else.
    if (!Array.isArray(servers)) {
      return Effect.fail(invalid(String(servers), 'servers must be a list, as in servers: ["host:port", …]'))
    }
    const addresses = new Map<string, Network.Address>()
    for (const server of servers) {
      const parsed: Network.Address | Network.InvalidAddress =
        typeof server === "string" ? Network.parse(server) : (server ?? invalid(String(server)))
      const address = parsed._tag === "InvalidAddress" ? parsed : check(parsed)
      if (address._tag === "InvalidAddress") return Effect.fail(address)
      addresses.set(Network.format(address), address)
    }
    return addresses.size === 0 ? Effect.fail(noServer()) : Effect.succeed([...addresses.values()])
  })

/** The servers that the environment names. A comma too many is nobody's server. */
export const fromEnv: Config.Config<ReadonlyArray<string>> = Config.Array(Schema.String, "GEARMAN_SERVERS").pipe(
  Config.withDefault([`127.0.0.1:${Network.defaultPort}`]),
  Config.map((texts) => texts.filter((text) => text.trim() !== ""))
)
