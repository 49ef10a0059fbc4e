/**
 * Which job server a submission goes to: an order of all servers, of which the first
 * that is alive takes it. Clients that agree on the servers and the selection send equal
 * requests to the same server, which is what lets it merge them.
 *
 * @since 0.1.0
 */
import * as Codec from "./Codec.ts"

/**
 * What a choice depends on. Texts carry one byte per character (latin-1).
 *
 * @since 0.1.0
 * @category models
 */
export interface Request {
  readonly function: string
  /** What makes the request equal to others: the unique, for `-` the workload; empty when nothing does. */
  readonly key: string
}

/**
 * A way of choosing.
 *
 * @since 0.1.0
 * @category models
 */
export interface ServerSelection {
  readonly name: string
  /**
   * For a client's servers, as `host:port`, gives the choice: for a request, indexes of
   * all servers by preference, or `undefined` when any will do.
   */
  readonly prepare: (servers: ReadonlyArray<string>) => (request: Request) => ReadonlyArray<number> | undefined
}

/** A 32-bit hash of a text with one byte per character (FNV-1a, then murmur3's finish). */
const hash = (text: string): number => {
  let h = 0x811c9dc5
  for (let at = 0; at < text.length; at++) h = Math.imul(h ^ text.charCodeAt(at), 0x01000193)
  return finish(h)
}

const finish = (hash: number): number => {
  let h = hash
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}

const rotate = (start: number, count: number): ReadonlyArray<number> =>
  Array.from({ length: count }, (_, offset) => (start + offset) % count)

/**
 * Rendezvous hashing: each server draws a number from its own name and the request's
 * function and key, and the highest comes first. It depends on the servers' names
 * alone, not on their order; losing a server moves only its requests, and they spread
 * over all the others. The default.
 *
 * @example
 * ```ts
 * import * as ServerSelection from "effect-gearman/ServerSelection"
 *
 * const choose = ServerSelection.rendezvous.prepare(["10.0.0.1:4730", "10.0.0.2:4730"])
 * const order = choose({ function: "resize", key: "cat.png" }) // both servers, as indexes, the preferred one first
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const rendezvous: ServerSelection = {
  name: "rendezvous",
  prepare: (servers) => {
    // By name, so that equal draws, rare as they are, are settled alike everywhere.
    const byName = rotate(0, servers.length).toSorted((one, other) => (servers[one]! < servers[other]! ? -1 : 1))
    const seeds = Uint32Array.from(byName, (index) => hash(servers[index]!))
    const { length } = servers
    return (request) => {
      if (request.key === "") return undefined
      const seed = hash(`${request.function}\0${request.key}`)
      // A draw and its server's rank as one number: sorting plain numbers takes a tenth of the time.
      const draws = new Float64Array(length)
      for (let rank = 0; rank < length; rank++) {
        draws[rank] = finish(Math.imul(seeds[rank]! ^ seed, 0x9e3779b1) + seed) * length + rank
      }
      draws.sort()
      const order = new Array<number>(length)
      for (let at = 0; at < length; at++) order[length - 1 - at] = byName[draws[at]! % length]!
      return order
    }
  }
}

const crcTable = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1
  return crc
})

const crc32 = (text: string): number => {
  let crc = 0xffffffff
  for (let at = 0; at < text.length; at++) crc = crcTable[(crc ^ text.charCodeAt(at)) & 0xff]! ^ (crc >>> 8)
  return (crc ^ 0xffffffff) >>> 0
}

/**
 * The number that Perl's Gearman::Client makes of a key.
 *
 * @example
 * ```ts
 * import * as ServerSelection from "effect-gearman/ServerSelection"
 *
 * const index = ServerSelection.perlHash("cat.png") % 3 // the server that Perl clients of three take
 * ```
 *
 * @since 0.1.0
 * @category conversions
 */
export const perlHash = (key: string): number => (crc32(key) >>> 16) & 0x7fff

/**
 * As Perl's Gearman::Client chooses: the key's hash modulo the number of servers, in the
 * order given, whatever the function. So that a fleet of Perl clients and these merge.
 * When that server is dead the next in the list is taken, which Perl's does not do.
 *
 * @example
 * ```ts
 * import * as Client from "effect-gearman/Client"
 * import * as ServerSelection from "effect-gearman/ServerSelection"
 *
 * const clientLive = Client.layer({
 *   // In the order in which the Perl clients list them.
 *   servers: ["10.0.0.1", "10.0.0.2"],
 *   selection: ServerSelection.modulo
 * })
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const modulo: ServerSelection = {
  name: "modulo",
  prepare:
    ({ length }) =>
    ({ key }) =>
      key === "" ? undefined : rotate(perlHash(key) % length, length)
}

/**
 * As libgearman chooses: one server for everything, the others only when it is dead.
 * Servers are taken in the order given; libgearman prefers the one that was added last,
 * so give them in the opposite order.
 *
 * @example
 * ```ts
 * import * as Client from "effect-gearman/Client"
 * import * as ServerSelection from "effect-gearman/ServerSelection"
 *
 * // For libgearman clients that add 10.0.0.2 first and 10.0.0.1 last.
 * const clientLive = Client.layer({ servers: ["10.0.0.1", "10.0.0.2"], selection: ServerSelection.first })
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const first: ServerSelection = {
  name: "first",
  prepare: ({ length }) => {
    const order = rotate(0, length)
    return () => order
  }
}

/**
 * A request's key: the unique, or for `-` the workload.
 *
 * @example
 * ```ts
 * import * as Packet from "effect-gearman/Packet"
 * import * as ServerSelection from "effect-gearman/ServerSelection"
 *
 * const byUnique = ServerSelection.keyOf(Packet.toBytes("u7"), Packet.toBytes("workload")) // "u7"
 * const byWorkload = ServerSelection.keyOf(Packet.toBytes("-"), Packet.toBytes("workload")) // "workload"
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const keyOf = (unique: Uint8Array, workload: Uint8Array): string =>
  unique.length === 1 && unique[0] === 0x2d ? Codec.latin1(workload) : Codec.latin1(unique)
