/**
 * A map makes use of its window: property 51.
 *
 * @since 0.1.0
 */
import { type Property, Violation } from "./Property.ts"

/**
 * While one item of a map is under way, so are others, as many as its window has room for:
 * else a slow one would hold up all. `mayUse` tells which clients have one server, which
 * nothing keeps them from; `workloadsOf` gives what a map's items carry.
 *
 * @since 0.1.0
 * @category properties
 */
export const mapping = (
  mayUse: (client: string) => boolean,
  workloadsOf: (asked: {
    readonly kind: string
    readonly function: string
    readonly workload: string
  }) => ReadonlyArray<string>
): Property => {
  /** By caller: whose it is, what may be sent of it, and how many have been. */
  const open = new Map<
    number,
    { readonly node: string; readonly window: number; readonly workloads: ReadonlyArray<string>; sent: number }
  >()
  return {
    name: "mapping",
    packets: "clients",
    observe: ({ event }) => {
      // Equal items of a function that merges are one job, whoever asked first.
      if (event._tag === "Asked" && event.map !== undefined && event.unique === "" && mayUse(event.node))
        open.set(event.caller, { node: event.node, window: event.map.window, workloads: workloadsOf(event), sent: 0 })
      else if (event._tag === "Answered") open.delete(event.caller)
      else if (event._tag === "Stopping") {
        for (const [caller, { node }] of open) if (node === event.node) open.delete(caller)
      } else if (event._tag === "Packet" && !event.got && event.name.startsWith("SUBMIT_")) {
        for (const one of open.values())
          if (one.node === event.node && one.workloads.includes(event.fields.at(-1)!)) one.sent++
      }
    },
    atRest: () => {
      for (const [caller, { sent, window, workloads }] of open) {
        if (sent === 0 || sent >= Math.min(window, workloads.length)) continue
        throw new Violation(51, `caller ${caller} has ${sent} items of its map under way, and room for ${window}`)
      }
    }
  }
}
