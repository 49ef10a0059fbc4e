/**
 * What a client asks its servers beside running jobs: how a job is, and whether a server
 * is there.
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { Client, JobStatus } from "../Client.ts"
import * as Codec from "../Codec.ts"
import * as GearmanErrors from "../GearmanError.ts"
import type { GearmanError } from "../GearmanError.ts"
import * as Network from "../Network.ts"
import * as Packet from "../Packet.ts"
import * as ServerSelection from "../ServerSelection.ts"
import * as Encoding from "./Encoding.ts"
import type { Fleet, Link } from "./Fleet.ts"
import * as Requests from "./Requests.ts"

const { PacketType } = Packet

const noBytes = new Uint8Array(0)

/** A function's name as it is needed; `key` has one character per byte. */
export interface Named {
  readonly bytes: Uint8Array
  readonly key: string
  readonly problem: GearmanErrors.InvalidRequest | undefined
}

export const make = ({
  fleet,
  namedOf,
  orderFor,
  requestTimeout
}: {
  readonly fleet: Fleet
  readonly requestTimeout: Duration.Duration
  readonly namedOf: (fn: { readonly name: string }) => Named
  /** Servers by preference; `name` and `key` have one character per byte. */
  readonly orderFor: (name: string, key: string) => ReadonlyArray<number>
}): Pick<Client["Service"], "status" | "statusByUnique" | "echo"> => {
  const { links } = fleet

  const ask = <A>(
    link: Link,
    operation: string,
    packet: Packet.Packet,
    answer: number,
    read: (frame: Codec.Frame) => A
  ) => Requests.withTimeout(requestTimeout, operation)(Requests.ask(fleet, link, Codec.encode(packet), answer, read))

  const linkTo = (server: string): Effect.Effect<Link, GearmanError> => {
    const link = links.find((link) => link.server === server)
    if (link !== undefined) return Effect.succeed(link)
    const problem = `${server} is none of this client's servers: ${links.map(({ server }) => server).join(", ")}`
    return Requests.fail(new GearmanErrors.InvalidRequest({ field: "server", problem }))
  }

  /** Asks one server after the other, those that are likely to answer first, until one can be reached. */
  const firstAnswer = Effect.fnUntraced(function* <A>(askOne: (link: Link) => Effect.Effect<A, GearmanError>) {
    const unreached: Array<GearmanErrors.NoServer> = []
    for (const link of links.toSorted((left, right) => doubt(left) - doubt(right))) {
      const asked = yield* Effect.result(askOne(link))
      if (asked._tag === "Success") return asked.success
      if (asked.failure.reason._tag !== "NoServer") return yield* asked.failure
      unreached.push(asked.failure.reason)
    }
    return yield* noServer(unreached)
  })

  return {
    status: ({ handle, server }) => {
      const problem = Encoding.checkHandle(handle)
      if (problem !== undefined) return Requests.fail(problem)
      const packet = Packet.request("GET_STATUS", { handle: Codec.fromLatin1(handle) })
      return Effect.flatMap(linkTo(nameOf(server)), (link) =>
        ask(link, "status", packet, PacketType.STATUS_RES, statusOf)
      )
    },

    statusByUnique: Effect.fnUntraced(function* (fn, unique) {
      const bytes = Packet.toBytes(unique)
      const name = namedOf(fn)
      const problem = name.problem ?? Encoding.checkUnique(bytes)
      if (problem !== undefined) return yield* Requests.fail(problem)
      const packet = Packet.request("GET_STATUS_UNIQUE", { unique: bytes })
      let answer: JobStatus | undefined
      const unreached: Array<GearmanErrors.NoServer> = []
      let failure: GearmanError | undefined
      for (const index of orderFor(name.key, ServerSelection.keyOf(bytes, noBytes))) {
        const asked = yield* Effect.result(ask(links[index]!, "status", packet, PacketType.STATUS_RES_UNIQUE, statusOf))
        if (asked._tag === "Failure") {
          const { reason } = asked.failure
          if (reason._tag === "NoServer") unreached.push(reason)
          else failure ??= asked.failure
        } else if (asked.success.known) return asked.success
        else answer = asked.success
      }
      return answer ?? (yield* failure ?? noServer(unreached))
    }),

    echo: Effect.fnUntraced(function* (server, bytes = noBytes) {
      const packet = Packet.request("ECHO_REQ", { data: bytes })
      const echoOf = (link: Link) => ask(link, "echo", packet, PacketType.ECHO_RES, (frame) => frame.copy(0))
      if (server !== undefined) return yield* echoOf(yield* linkTo(nameOf(server)))
      return yield* Requests.withTimeout(requestTimeout, "echo")(firstAnswer(echoOf))
    })
  }
}

/** What each server's error told, as one. */
const noServer = (unreached: ReadonlyArray<GearmanErrors.NoServer>): Effect.Effect<never, GearmanError> =>
  Requests.fail(
    new GearmanErrors.NoServer({ servers: unreached.flatMap(({ servers }) => servers), cause: unreached[0]?.cause })
  )

/** How little is to be hoped from a server. */
const doubt = ({ conversation, isAlive }: Link): number => (isAlive ? (conversation?.isSuspect === true ? 1 : 0) : 2)

/** A server as it is listed, also when the port was left out. */
const nameOf = (server: Network.Address | string): string => {
  const address = typeof server === "string" ? Network.parse(server) : server
  return address._tag === "InvalidAddress" ? address.input : Network.format(address)
}

const numberOf = (frame: Codec.Frame, index: number): number => Number(frame.key(index)) || 0

const statusOf = (frame: Codec.Frame): JobStatus => ({
  known: frame.key(1) === "1",
  running: frame.key(2) === "1",
  numerator: numberOf(frame, 3),
  denominator: numberOf(frame, 4),
  clients: frame.type === PacketType.STATUS_RES_UNIQUE ? numberOf(frame, 5) : undefined
})
