/**
 * A run as people read it: what job servers and their peers said to each other, and what
 * else happened.
 *
 * @since 0.1.0
 */
import type { Moment } from "../properties/History.ts"
import { format, formatFields } from "./format.ts"

/** Idle connections are probed with an empty ECHO_REQ. */
const isProbe = ({ event }: Moment): boolean =>
  event._tag === "Packet" && event.name.startsWith("ECHO_") && (event.fields[0] ?? "") === ""

/** Whoever waits in vain waits long: what happens at last but for probes of idle connections ends before this index. */
const endOf = (moments: ReadonlyArray<Moment>): number => moments.findLastIndex((moment) => !isProbe(moment)) + 1

/**
 * How many packets job servers got and gave; probes of idle connections after all else has
 * happened do not count.
 *
 * @since 0.1.0
 * @category getters
 */
export const packetCount = (moments: ReadonlyArray<Moment>): number =>
  moments.slice(0, endOf(moments)).filter(({ event }) => event._tag === "Packet" && event.atServer).length

const line = (at: number, text: string): string => `${String(at).padStart(8)} ms  ${text}`

/** Who dialled which connection. */
const dialledBy = (moments: ReadonlyArray<Moment>): ReadonlyMap<number, string> =>
  new Map(
    moments.flatMap(({ event }) => (event._tag === "Opened" && !event.atServer ? [[event.connection, event.node]] : []))
  )

/**
 * The run line by line, with packets as job servers see them. `everything` shows them at
 * the other end too.
 *
 * @since 0.1.0
 * @category conversions
 */
export const trace = (
  moments: ReadonlyArray<Moment>,
  options: { readonly everything?: boolean | undefined } = {}
): ReadonlyArray<string> => {
  const { everything = false } = options
  if (everything) return moments.map(({ at, event }) => line(at, format(event)))
  const dialler = dialledBy(moments)
  const end = endOf(moments)
  const lines = moments.slice(0, end).flatMap(({ at, event }) => {
    if (event._tag === "Opened" || event._tag === "Dialled") return []
    if (event._tag === "Closed" && event.atServer)
      return [line(at, `${format(event)} (${dialler.get(event.connection)})`)]
    if (event._tag !== "Packet" && event._tag !== "Line") return [line(at, format(event))]
    if (!event.atServer) return []
    const peer = dialler.get(event.connection) ?? "?"
    const [from, to] = event.got ? [peer, event.node] : [event.node, peer]
    return [line(at, `${from} → ${to}  #${event.connection}  ${event.name} ${formatFields(event.fields)}`)]
  })
  const probes = moments.length - end
  return probes === 0
    ? lines
    : [...lines, line(moments.at(-1)!.at, `nothing more until now, but for ECHO over idle connections`)]
}
