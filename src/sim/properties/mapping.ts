/**
 * A map makes use of its window: property 51.
 *
 * @since 0.1.0
 */
import { type Property, Violation } from "./Property.ts"

/**
 * While one item of a map is under way, so are others, as many as its window has room for:
 * else a slow one would hold up all. `windowOf` gives how many a client's map may have,
 * `workloadsOf` what its items carry. Only for clients that have one server, which nothing
 * keeps them from.
 *
 * @since 0.1.0
 * @category properties
 */
export const mapping = (
  windowOf: (client: string) => number,
  workloadsOf: (asked: {
    readonly kind: string
    readonly function: string
    readonly workload: string
  }) => ReadonlyArray<string>
): Property => {
  /** By caller: whose it is, what may be sent of it, and how many have been. */
  const open = new Map<number, { readonly node: string; readonly workloads: ReadonlyArray<string>; sent: number }>()
  return {
    name: "mapping",
    packets: "peers",
    observe: ({ event }) => {
      if (event._tag === "Asked" && event.kind === "map")
        open.set(event.caller, { node: event.node, workloads: workloadsOf(event), sent: 0 })
      else if (event._tag === "Answered") open.delete(event.caller)
      else if (event._tag === "Stopping") {
        for (const [caller, { node }] of open) if (node === event.node) open.delete(caller)
      } else if (event._tag === "Packet" && !event.atServer && !event.got && event.name.startsWith("SUBMIT_")) {
        for (const one of open.values())
          if (one.node === event.node && one.workloads.includes(event.fields.at(-1)!)) one.sent++
      }
    },
    atRest: () => {
      for (const [caller, { node, sent, workloads }] of open) {
        if (sent === 0 || sent >= Math.min(windowOf(node), workloads.length)) continue
        throw new Violation(
          51,
          `caller ${caller} has ${sent} items of its map under way, and room for ${windowOf(node)}`
        )
      }
    }
  }
}
