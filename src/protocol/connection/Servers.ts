/**
 * The list of job servers that someone gave, as addresses.
 */
import * as Effect from "effect/Effect"
import * as Network from "../Network.ts"

/** Each server once, in the order given. */
export const resolve = (
  servers: ReadonlyArray<Network.Address | string>
): Effect.Effect<ReadonlyArray<Network.Address>, Network.InvalidAddress> =>
  Effect.suspend(() => {
    const addresses = new Map<string, Network.Address>()
    for (const server of servers) {
      const address = typeof server === "string" ? Network.parse(server) : server
      if (address._tag === "InvalidAddress") return Effect.fail(address)
      addresses.set(Network.format(address), address)
    }
    if (addresses.size === 0) return Effect.fail(new Network.InvalidAddress({ input: "" }))
    return Effect.succeed([...addresses.values()])
  })
